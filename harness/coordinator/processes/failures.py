"""What an answer means that is none: a plugin that cannot start, a failure, the wrong type."""

from __future__ import annotations

from typing import Any

from harness.catalogue.plugins import Plugin
from harness.protocol.events import Event, Failed


def not_ready(plugin: Plugin) -> Failed:
    """What becomes of a trial whose plugin cannot start: missing is skipped, broken has failed."""
    if plugin.status == "missing":
        return Failed(status="skipped", reason=f"{plugin.reason}; {plugin.install}")
    return Failed(status="failed", reason=plugin.reason, where="import")


def failed(event: Event) -> dict[str, Any]:
    """The fields of a record of something that came to nothing, or was answered by the wrong type."""
    if not isinstance(event, Failed):
        event = unexpected(event)
    # An invalid output names its hook itself, and a skip is what the plugin says.
    with_where = event.where and event.status not in ("invalid", "skipped")
    reason = f"{event.where}: {event.reason}" if with_where else event.reason
    return {"status": event.status, "reason": reason}


def unexpected(event: Event) -> Failed:
    """What an answer of the wrong type means."""
    return Failed(status="crashed", reason=f"the worker answered {event.type!r}")
