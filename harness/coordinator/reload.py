"""Every trained network is loaded once more, by another process, before its record is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.coordinator.outcome import failed
from harness.protocol import Event, Measured, ReloadTrial, RunTrial


def again(request: RunTrial, output: Sequence[Sequence[int]]) -> ReloadTrial:
    """What a worker is asked that has not trained the network of `request`.

    `output` holds the steps at which each output neuron spiked, of a network that was fitted to a train.
    """
    return ReloadTrial(
        plugin=request.plugin,
        trial=request.trial,
        data=request.data,
        state=request.state,
        predictions=request.predictions,
        output=[list(steps) for steps in output],
    )


def reloaded(fields: dict[str, Any], found: Event) -> dict[str, Any]:
    """The `fields` of a record, with what the reload `found`; `invalid` where the network differs."""
    if isinstance(found, Measured):
        return fields | {"facts": {**fields["facts"], **found.facts}}
    return failed(found)
