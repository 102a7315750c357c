"""A framework in `harness layers`, and its layer of one size with what was measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.catalogue.plugins import Plugin
from harness.protocol import (
    Event,
    Failed,
    LayerOpened,
    LayerSamples,
    LayerSize,
    Measured,
    Request,
)
from harness.results.layers import LayerRecord
from harness.results.roofline import Peaks, backward_work, forward_work, impossible
from harness.results.statistics import summarise_latency
from harness.coordinator.outcome import not_ready
from harness.coordinator.process import Worker

#: A timed layer may differ from the equations in so few of its spikes, where rounding decides, and
#: where none differ, its gradient by so much: float32 sums over all steps and samples.
_DIFFERING, _GRADIENT_ERROR = 1e-4, 1e-4


class Member:
    """A framework, its worker while it lives, and what is known of it so far."""

    def __init__(
        self, plugin: Plugin, log: Path, start: Callable[[Path], Worker], timeout: float
    ) -> None:
        self.plugin, self.name, self.log = plugin, plugin.name, log
        self.proof: LayerRecord | None = None
        self.gave_up = ""
        self._start, self._timeout = start, timeout
        self._worker: Worker | None = None
        self._seconds: dict[float, tuple[int, float]] = {}

    def ask(self, request: Request) -> Event:
        """The worker's answer; a worker that has died is replaced at the next request."""
        if self.plugin.status != "ready":
            return not_ready(self.plugin)
        if self._worker is None:
            self._worker = self._start(self.log)
        event = self._worker.ask(request, self._timeout)
        if isinstance(event, Failed) and event.status in ("timeout", "crashed"):
            self._worker = None
        return event

    def remember(self, size: LayerSize, seconds: float) -> None:
        """Keeps what a call of this size took."""
        self._seconds[size.density] = size.neurons, seconds

    def forecast(self, size: LayerSize, peaks: Peaks | None) -> float:
        """The seconds of a call, by those of the size before: none where there is none before.

        The neurons' part grows with their number; the products, dense ones, with its square.
        """
        if size.density not in self._seconds:
            return 0.0
        neurons, seconds = self._seconds[size.density]
        times = size.neurons / neurons
        if peaks is None:
            return seconds * times**2
        inputs = size.steps * size.batch * size.neurons
        return seconds * times + 2 * forward_work(size.neurons, 1, 1, inputs).flops / peaks.flops


@dataclass
class TimedLayer:
    """One framework's layer of one size."""

    member: Member
    size: LayerSize
    failed: Failed | None = None
    opened: LayerOpened | None = None
    memory: dict[str, float] = field(default_factory=dict)
    forward: list[list[float]] = field(default_factory=list)
    backward: list[list[float]] = field(default_factory=list)

    def ask(self, request: Request) -> None:
        """Asks unless it has failed before, and keeps the answer."""
        if self.failed:
            return
        match event := self.member.ask(request):
            case LayerOpened():
                self.opened = event
                self.member.remember(self.size, event.first_call_ms / 1000)
            case Measured():
                self.memory = event.metrics
            case LayerSamples():
                self.forward.append(event.forward)
                self.backward.append(event.backward)
                self.member.remember(self.size, event.forward[-1] + event.backward[-1])
            case Failed():
                self.failed = event
            case _:
                self.failed = Failed(status="crashed", reason=f"the worker answered {event.type!r}")

    def _passes(self) -> dict[str, list[float]]:
        forward, backward = (
            [seconds for taken in rounds for seconds in taken]
            for rounds in (self.forward, self.backward)
        )
        both = [there + back for there, back in zip(forward, backward, strict=True)]
        return {"forward": forward, "backward": backward, "total": both}

    def _works(self) -> dict[str, Any]:
        assert self.opened
        size = self.size
        shape = size.neurons, size.steps, size.batch, self.opened.nonzero
        forward, backward = forward_work(*shape), backward_work(*shape)
        return {"forward": forward, "backward": backward, "total": forward + backward}

    def metrics(self, peaks: Peaks | None, equal: bool) -> dict[str, Any]:
        """All that was measured, by name."""
        assert self.opened
        size, opened, works = self.size, self.opened, self._works()
        found: dict[str, Any] = {"equal": equal}
        for name, seconds in self._passes().items():
            found[f"{name}_ms"] = summarise_latency(seconds)
            found[f"{name}_flops"] = works[name].flops
            if peaks:
                found[f"{name}_bound_ms"] = 1000 * peaks.seconds(works[name])
        return found | {
            "first_call_ms": opened.first_call_ms,
            "input_density": opened.nonzero / (size.steps * size.batch * size.neurons),
            "output_density": opened.output_density,
            "spikes_compared": opened.spikes_compared,
            "spikes_differing": opened.spikes_differing,
            "gradient_error": opened.gradient_error,
            "implementation": opened.implementation or None,
            **self.memory,
        }

    def invalid(self, peaks: Peaks | None, equal: bool) -> str:
        """Why the figures cannot be what they look like; empty where they can."""
        assert self.opened
        opened = self.opened
        if equal and opened.spikes_differing > _DIFFERING * opened.spikes_compared:
            return (
                f"{opened.spikes_differing} of {opened.spikes_compared} spikes of the timed layer "
                "are not the neuron's"
            )
        if equal and not opened.spikes_differing and opened.gradient_error > _GRADIENT_ERROR:
            return (
                f"the gradient of the timed layer is off by {opened.gradient_error:.1g} of its "
                "largest value"
            )
        if peaks is None:
            return ""
        works = self._works()
        for name, seconds in self._passes().items():
            median = summarise_latency(seconds)["median"] / 1000
            told = {"total": "both passes"}.get(name, f"a {name} pass")
            if reason := impossible(works[name], median, peaks, told):
                return reason
        return ""
