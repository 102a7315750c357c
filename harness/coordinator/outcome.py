"""From a worker's answer to a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from harness.coordinator.processes.failures import failed
from harness.protocol.events import Event, Trained
from harness.results.record import Record, Variant, finite, first_error

R = TypeVar("R", bound=Record | Variant)

NOT_FINITE = "it came out as no finite number"


def now() -> str:
    """The time of a record that is made now."""
    return datetime.now(UTC).isoformat()


def trained(event: Event) -> dict[str, Any]:
    """The fields of a record that an answer to `RunTrial` fills."""
    if not isinstance(event, Trained):
        return failed(event)
    metrics = finite(event.metrics)
    metrics.pop("reported_accuracy", None)  # that is the preset's, never a worker's
    no_number = dict.fromkeys(event.metrics.keys() - finite(event.metrics).keys(), NOT_FINITE)
    kept = {"versions", "scalars", "layers", "history", "raster", "facts"}
    return {
        "status": "ok",
        "metrics": metrics,
        **event.model_dump(include=kept),
        "absent": event.absent | no_number,
    }


def recorded(make: Callable[..., R], fields: Mapping[str, Any], **identity: Any) -> R:
    """The record that `make` makes of `identity` and `fields`; `invalid` where a value is impossible.

    What a worker answers is not the host's: a record that nobody could read again would be lost.
    """
    try:
        return make(**identity, **fields)
    except ValidationError as error:
        reason = f"the worker answered what cannot be: {first_error(error)}"
        kept = {"log": fields["log"]} if "log" in fields else {}
        return make(**identity, **kept, status="invalid", reason=reason)
