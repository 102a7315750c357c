"""Every trained network is loaded once more, by another process, before its record is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.coordinator.outcome import failed
from harness.protocol import Event, Measured, ReloadTrial, RunTrial


def reloaded(
    fields: dict[str, Any],
    request: RunTrial,
    ask: Callable[..., Event],
    timeout: float | None,
) -> dict[str, Any]:
    """The `fields` of the record of `request`, with what the reload found; `invalid` where it differs.

    `ask` asks a worker of the plugin that has not trained the network, as `Worker.ask` does.
    """
    again = ReloadTrial(
        plugin=request.plugin,
        trial=request.trial,
        data=request.data,
        state=request.state,
        predictions=request.predictions,
        output=fields["raster"].get("output", []),
    )
    found = ask(again, timeout)
    if isinstance(found, Measured):
        return fields | {"facts": {**fields["facts"], **found.facts}}
    return failed(found)
