"""Carries out `harness layers`: peaks, proofs, then the layers of each size side by side."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.contract import Neuron
from harness.plugins import LAYER_GROUP, Plugin, discover, select
from harness.protocol import (
    Event,
    Failed,
    LayerOpened,
    LayerSamples,
    LayerSize,
    Measured,
    MeasurePeaks,
    OpenLayer,
    Proved,
    ProveLayer,
    Request,
    TakeLayerRound,
    TakeMemory,
)
from harness.results.layers import LayerRecord, LayersFolder, check_free
from harness.results.record import finite
from harness.results.roofline import Peaks, backward_work, forward_work, impossible
from harness.results.statistics import summarise_latency
from harness.runs import environment
from harness.runs.api import RESULTS, choose_device
from harness.runs.layers_config import LayersConfig, make_layers_config
from harness.runs.listener import Listener
from harness.runs.outcome import not_ready, outcome
from harness.runs.pool import Workers
from harness.runs.worker import Worker

#: A timed layer may differ from the equations in so few of its spikes, where rounding decides, and
#: where none differ, its gradient by so much: float32 sums over all steps and samples.
_DIFFERING, _GRADIENT_ERROR = 1e-4, 1e-4
_PEAKS_SECONDS = 120.0
#: Calls of a layer beside those of the rounds: the first, two for the memory, one to be warm.
_OTHER_CALLS = 4


@dataclass(frozen=True)
class LayersRun:
    """A folder of `harness layers` and its records."""

    path: Path
    records: list[LayerRecord]

    def report(self) -> list[Path]:
        """Rebuilds the tables, the figures and the page from the records; returns what it wrote."""
        from harness.report.layers import build_layers_report

        return build_layers_report(self.path, LayersFolder(self.path).description(), self.records)


def load_layers(path: str | Path) -> LayersRun:
    """What lies at `path`; UsageError where that is no folder of `harness layers`."""
    folder = LayersFolder.open(Path(path))
    return LayersRun(folder.path, folder.records())


def run_layers(
    plugins: str | Sequence[str] = "all",
    *,
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
    **options: Any,
) -> LayersRun:
    """The same as `harness layers`; `options` are the fields of `LayersConfig`."""
    patterns = plugins.split(",") if isinstance(plugins, str) else tuple(plugins)
    config = make_layers_config(plugins=tuple(patterns), **options)
    path = Path(out) if out is not None else default_folder()
    selected = select(config.plugins, discover(LAYER_GROUP))
    device = choose_device(config.device)
    check_free(path)
    description = {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": config.model_dump(mode="json"),
        "environment": environment.describe(selected),
    }
    folder = LayersFolder.create(path, description)
    with folder.run.locked(), ExitStack() as stack:
        bench = _Bench(config, device, folder, listener or Listener(), stack)
        bench.carry_out([_Member(plugin, bench) for plugin in selected])
    finished = load_layers(path)
    finished.report()
    return finished


def default_folder() -> Path:
    """results/<time>-layers, the time in UTC."""
    return RESULTS / f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-layers"


class _Bench:
    """What the steps of one command share."""

    def __init__(
        self,
        config: LayersConfig,
        device: str,
        folder: LayersFolder,
        listener: Listener,
        stack: ExitStack,
    ) -> None:
        self.config, self.device, self.folder = config, device, folder
        self.listener, self.stack = listener, stack
        self.workers = Workers()
        self.peaks: Peaks | None = None
        self._peaks_worker: Worker | None = None
        self._shuffler = random.Random(0)

    def carry_out(self, members: Sequence[_Member]) -> None:
        """Everything, one worker at a time."""
        self.measure_peaks()
        for member in members:
            proofs = [self.prove(member, neuron) for neuron in self.config.neurons_to_prove()]
            self.listener.message(_summary(member.name, proofs))
        sizes = list(self.config.sizes())
        rounds = (self.config.rounds + 2) * len(members)
        for place, size in enumerate(sizes):
            self.measure(members, size, place * rounds, len(sizes) * rounds)

    def measure_peaks(self) -> None:
        """The device's peaks, in a worker of their own; the highest found so far count."""
        request = MeasurePeaks(device=self.device, threads=self.config.threads)
        log = self.folder.log("peaks")
        if self._peaks_worker is None:
            started = self.workers.start(log, self.config.threads)
            self._peaks_worker = self.stack.enter_context(started)
        event = self._peaks_worker.ask(request, _PEAKS_SECONDS)
        if isinstance(event, Measured):
            found = Peaks(event.metrics["peak_flops"], event.metrics["peak_bandwidth"])
            before = self.peaks or found
            self.peaks = Peaks(
                max(found.flops, before.flops), max(found.bandwidth, before.bandwidth)
            )
            self.append("peaks", "peaks", {"status": "ok", "metrics": event.metrics}, log=log)
        else:
            self.append("peaks", "peaks", outcome(event), log=log)

    def prove(self, member: _Member, neuron: Neuron) -> LayerRecord:
        """Whether a framework's layer is `neuron`."""
        request = ProveLayer(
            plugin=member.plugin.source,
            neuron=neuron,
            device=self.device,
            threads=self.config.threads,
        )
        event = member.ask(request)
        found = outcome(event)
        if isinstance(event, Proved):
            status = "ok" if event.equal else "invalid"
            metrics = event.model_dump(exclude={"type", "reason"})
            found = {"status": status, "reason": event.reason, "metrics": metrics}
        told = "attached" if not neuron.detach else "detached"
        key = f"{member.name} beta={neuron.beta:g} reset={told}"
        record = self.append(
            "equivalence", key, found, member.plugin, neuron=asdict(neuron), log=member.log
        )
        if neuron == self.config.timed:
            member.proof = record
        return record

    def measure(self, members: Sequence[_Member], size: LayerSize, done: int, total: int) -> None:
        """The layers of one size: opened, then memory, then rounds in an order drawn anew each time."""
        group: list[_Timed] = []
        for member in members:
            timed = _Timed(member, size)
            timed.failed = self._why_not(member, size)
            group.append(timed)
        open_ = [timed for timed in group if not timed.failed]
        what = f"{size.neurons} neurons, density {size.density:g}"
        self.listener.measuring(done, total, what)
        for place, timed in enumerate(open_, start=1):
            timed.open(self, to_follow=len(open_) - place)
        for timed in open_:
            timed.ask(TakeMemory())
        for number in range(1, self.config.rounds + 1):
            order = list(open_)
            self._shuffler.shuffle(order)
            self.listener.measuring(done + (number + 1) * len(members), total, what)
            for timed in order:
                timed.ask(TakeLayerRound(seconds=self.config.min_time, calls=1))
        self.measure_peaks()
        for timed in group:
            self._record(timed)

    def _why_not(self, member: _Member, size: LayerSize) -> Failed | None:
        """Why a layer of this size is not tried."""
        proof = member.proof
        if proof is not None and proof.status not in ("ok", "invalid"):
            return Failed(status=proof.status, reason=proof.reason)
        if member.gave_up:
            return Failed(status="skipped", reason=member.gave_up)
        seconds = member.forecast(size, self.peaks) * (self.config.rounds + _OTHER_CALLS)
        if seconds > self.config.timeout:
            return Failed(
                status="skipped",
                reason=f"would take about {seconds:.0f} s by the size before, more than --timeout",
            )
        return None

    def _record(self, timed: _Timed) -> None:
        member, size = timed.member, timed.size
        equal = member.proof is not None and member.proof.status == "ok"
        if timed.failed or timed.opened is None:
            found = outcome(timed.failed or Failed(status="crashed", reason="no answer"))
            if found["status"] in ("timeout", "oom", "crashed"):
                member.gave_up = f"{found['status']} at {size.neurons} neurons: not tried"
        else:
            found = {"status": "ok", "metrics": finite(timed.metrics(self.peaks, equal))}
            if reason := timed.invalid(self.peaks, equal):
                found |= {"status": "invalid", "reason": reason}
        key = f"{member.name} neurons={size.neurons} density={size.density:g}"
        record = self.append(
            "speed",
            key,
            found,
            member.plugin,
            neuron=asdict(self.config.timed),
            log=member.log,
            **size.model_dump(),
        )
        self.folder.run.write_samples(key, {"forward": timed.forward, "backward": timed.backward})
        if record.status != "ok":
            self.listener.message(f"{record.key}: {record.status}: {record.reason}")

    def append(
        self,
        stage: str,
        key: str,
        found: dict[str, Any],
        plugin: Plugin | None = None,
        *,
        log: Path,
        **fields: Any,
    ) -> LayerRecord:
        """Writes a record of what was `found`."""
        if plugin is not None:
            fields |= {
                "plugin": plugin.name,
                "framework": plugin.framework,
                "framework_version": plugin.framework_version,
            }
        record = LayerRecord.model_validate(
            {
                "stage": stage,
                "key": key,
                "device": self.device,
                "threads": self.config.threads,
                "log": f"logs/{log.name}" if log.exists() else "",
                **fields,
                **found,
            }
        )
        self.folder.append(record)
        return record


class _Member:
    """A framework, its worker while it lives, and what is known of it so far."""

    def __init__(self, plugin: Plugin, bench: _Bench) -> None:
        self.plugin, self.name = plugin, plugin.name
        self.log = bench.folder.log(plugin.name)
        self.proof: LayerRecord | None = None
        self.gave_up = ""
        self._bench = bench
        self._worker: Worker | None = None
        self._seconds: dict[float, tuple[int, float]] = {}

    def ask(self, request: Request) -> Event:
        """The worker's answer; a worker that has died is replaced at the next request."""
        if self.plugin.status != "ready":
            return not_ready(self.plugin)
        bench = self._bench
        if self._worker is None:
            self._worker = bench.stack.enter_context(
                bench.workers.start(self.log, bench.config.threads)
            )
        event = self._worker.ask(request, bench.config.timeout)
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
class _Timed:
    """One framework's layer of one size."""

    member: _Member
    size: LayerSize
    failed: Failed | None = None
    opened: LayerOpened | None = None
    memory: dict[str, float] = field(default_factory=dict)
    forward: list[list[float]] = field(default_factory=list)
    backward: list[list[float]] = field(default_factory=list)

    def open(self, bench: _Bench, to_follow: int) -> None:
        """Builds the layer."""
        self.ask(
            OpenLayer(
                plugin=self.member.plugin.source,
                neuron=bench.config.timed,
                size=self.size,
                device=bench.device,
                threads=bench.config.threads,
                to_follow=to_follow,
            )
        )

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


def _summary(name: str, proofs: Sequence[LayerRecord]) -> str:
    """The proofs of one framework in one line, each reason once."""
    equal = sum(record.status == "ok" for record in proofs)
    others = {
        f"{'refused' if record.status == 'skipped' else record.status}: {record.reason}": None
        for record in proofs
        if record.status != "ok"
    }
    return "; ".join([f"{name}: {equal} of {len(proofs)} neurons equal", *others])
