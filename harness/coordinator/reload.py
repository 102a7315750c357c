"""Every trained network is loaded once more, by another process, before its record is written."""

from __future__ import annotations

from typing import Any

from harness.coordinator.processes.failures import failed
from harness.protocol.events import Event, Measured, Trained
from harness.protocol.requests import ReloadTrial, RunTrial


def again(request: RunTrial, trained: Event) -> ReloadTrial:
    """What a worker is asked that has not trained the network of `request`, as which it was `trained`."""
    known = trained if isinstance(trained, Trained) else None
    return ReloadTrial(
        plugin=request.plugin,
        trial=request.trial,
        data=request.data,
        state=request.state,
        predictions=request.predictions,
        output=known.raster.get("output", []) if known else [],
        beginning=known.beginning if known else [],
    )


def reloaded(fields: dict[str, Any], event: Event) -> dict[str, Any]:
    """The `fields` of a record, with what the reload answered; `invalid` where the network differs."""
    if isinstance(event, Measured):
        return fields | {"facts": {**fields["facts"], **event.facts}}
    return failed(event)
