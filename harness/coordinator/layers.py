"""Carries out `harness layers`: peaks, proofs, then a measurement group for each size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.catalogue.plugins import Plugin
from harness.coordinator.config import LayersConfig
from harness.coordinator.group import Member, Procedure, Subject, measure
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import failed, not_ready, unexpected
from harness.coordinator.pool import Workers
from harness.coordinator.process import Worker
from harness.coordinator.starter import StarterDied
from harness.plugin.contract import Neuron
from harness.protocol import Event, Failed, Measured, OpenLayer, Proved, ProveLayer
from harness.results.record import (
    LayerProof,
    LayerTiming,
    PeaksRecord,
    Record,
)
from harness.results.roofline import Peaks, Work, backward_work, forward_work
from harness.results.store import RunFolder
from harness.subjects import Contender, LayerRow, LayerSize

#: Calls of a layer beside those of the rounds: two openings of two processes, memory, warm-up.
_OTHER_CALLS = 6
_PASSES = ("forward", "backward", "total")


@dataclass
class Framework:
    """One framework's layer: what is known of it so far."""

    plugin: Plugin
    contender: Contender
    proofs: dict[Neuron, LayerProof] = field(default_factory=dict)
    gave_up: str = ""
    #: Seconds of a call by density: of the largest size that was measured.
    seconds: dict[float, tuple[int, float]] = field(default_factory=dict)

    def forecast(self, size: LayerSize, peaks: Peaks | None) -> float:
        """The seconds of a call, by those of the size before: none where there is none before.

        The neurons' part grows with their number; the products, dense ones, with its square.
        """
        if size.density not in self.seconds:
            return 0.0
        neurons, seconds = self.seconds[size.density]
        times = size.neurons / neurons
        if peaks is None:
            return seconds * times**2
        inputs = size.steps * size.batch * size.neurons
        return seconds * times + 2 * forward_work(size.neurons, 1, 1, inputs).flops / peaks.flops


class Bench:
    """What the steps of one command share. Records that the same host made are not made again."""

    def __init__(
        self,
        config: LayersConfig,
        plugins: Sequence[Plugin],
        device: str,
        folder: RunFolder,
        session: int,
        workers: Workers,
        listener: Listener,
    ) -> None:
        self._config, self._device, self._folder = config, device, folder
        self._session, self._workers, self._listener = session, workers, listener
        sessions = folder.description().sessions
        self._done: dict[tuple[str, str], Record] = {
            (record.kind, record.key): record
            for record in folder.records()[0]
            if record.session < len(sessions)
            and sessions[record.session].host == sessions[session].host
        }
        self._frameworks = [Framework(plugin, self._contender(plugin)) for plugin in plugins]
        self._peaks = self._known_peaks()

    def carry_out(self) -> None:
        """The proofs of every framework, then the sizes, the smallest first."""
        for framework in self._frameworks:
            self._prove(framework)
        for size in self._config.sizes():
            self._measure(size)

    def _contender(self, plugin: Plugin) -> Contender:
        return Contender(
            plugin=plugin.name,
            framework=plugin.framework,
            framework_version=plugin.framework_version,
            digest=plugin.digest,
            device=self._device,
            threads=self._config.threads,
        )

    # --- proofs -----------------------------------------------------------------------------------

    def _prove(self, framework: Framework) -> None:
        self._listener.doing(f"proving {framework.plugin.name}")
        with ExitStack() as stack:
            worker: Worker | None = None
            for neuron in self._config.neurons_to_prove():
                wanted = LayerProof(status="ok", row=framework.contender, neuron=neuron)
                record = self._done.get((wanted.kind, wanted.key))
                if not isinstance(record, LayerProof):
                    event, worker = self._ask(framework.plugin, neuron, worker, stack)
                    record = self._proof(framework, neuron, event)
                    self._folder.append(record)
                framework.proofs[neuron] = record
        self._listener.message(_summary(framework))

    def _ask(
        self, plugin: Plugin, neuron: Neuron, worker: Worker | None, stack: ExitStack
    ) -> tuple[Event, Worker | None]:
        """What a worker of `plugin` says of `neuron`, and that worker if it still stands."""
        if plugin.status != "ready":
            return not_ready(plugin), None
        threads = self._config.threads
        request = ProveLayer(
            plugin=plugin.location, neuron=neuron, device=self._device, threads=threads
        )
        try:
            if worker is None:
                worker = stack.enter_context(
                    self._workers.start(self._log(plugin), threads, plugin.framework)
                )
        except StarterDied as reason:
            return Failed(status="crashed", reason=str(reason), where="start"), None
        event = worker.ask(request, self._config.timeout)
        died = isinstance(event, Failed) and event.status in ("timeout", "crashed")
        return event, None if died else worker

    def _log(self, plugin: Plugin) -> Path:
        return self._folder.file("logs", plugin.name, ".log")

    def _proof(self, framework: Framework, neuron: Neuron, event: Event) -> LayerProof:
        log = self._log(framework.plugin)
        if isinstance(event, Proved):
            found: dict[str, Any] = {
                "status": "ok" if event.equal else "invalid",
                "reason": event.reason,
                "metrics": {
                    "spikes_compared": event.spikes_compared,
                    "spikes_differing": event.spikes_differing,
                    "spikes_at_threshold": event.ties,
                    "weight_gradient_error": event.weight_gradient_error,
                    "input_gradient_error": event.input_gradient_error,
                },
            }
        else:
            found = failed(event if isinstance(event, Failed) else unexpected(event))
        return LayerProof(
            session=self._session,
            row=framework.contender,
            neuron=neuron,
            started=_now(),
            log=f"logs/{log.name}" if log.exists() else "",
            **found,
        )

    # --- sizes ------------------------------------------------------------------------------------

    def _measure(self, size: LayerSize) -> None:
        """The layers of one size, side by side; not again where all of them have a record."""
        rows = {f.plugin.name: self._row(f, size) for f in self._frameworks}
        known = [self._done.get(("layer-timing", row.key)) for row in rows.values()]
        if all(isinstance(record, LayerTiming) for record in known):
            for framework, record in zip(self._frameworks, known, strict=True):
                assert isinstance(record, LayerTiming)
                self._remember(framework, record)
            return
        refused = {f.plugin.name: self._why_not(f, size) for f in self._frameworks}
        group = [f for f in self._frameworks if refused[f.plugin.name] is None]
        fields: dict[str, dict[str, Any]] = {}
        if group:
            fields = self._group(group, rows, size)
        for framework in self._frameworks:
            row = rows[framework.plugin.name]
            told = refused[framework.plugin.name]
            found = failed(told) if told is not None else fields[row.key]
            record = LayerTiming(
                session=self._session,
                row=row,
                equal=self._equal(framework),
                started=_now(),
                **found,
            )
            self._folder.append(record)
            self._listener.recorded(_label(framework, size), record)
            self._remember(framework, record)

    def _group(
        self, group: Sequence[Framework], rows: Mapping[str, LayerRow], size: LayerSize
    ) -> dict[str, dict[str, Any]]:
        """The fields of the records of `group`, by the rows' keys."""
        subjects = [self._subject(f, rows[f.plugin.name]) for f in group]
        procedure = Procedure(
            rounds=self._config.rounds,
            min_time=self._config.min_time,
            calls=1,
            timeout=self._config.timeout,
            jobs=1,  # a forecast of memory must see what the one before has taken
            baseline=[
                rows[f.plugin.name].key
                for f in group
                if self._config.baseline in (f.plugin.name, f.plugin.framework)
            ],
        )

        def log(key: str, process: int) -> Path:
            return self._folder.file("logs", key, f".timing-{process + 1}.log")

        result = measure(subjects, procedure, log, self._workers, self._listener)
        self._keep_peaks(result.peaks)
        fields = result.fields()
        for framework, member in zip(group, result.members, strict=True):
            key = member.subject.key
            self._folder.write_samples(key, {"seconds": member.times})
            if fields[key]["status"] == "ok":
                self._finish(framework, member, fields[key], size)
        return fields

    def _finish(
        self, framework: Framework, member: Member, fields: dict[str, Any], size: LayerSize
    ) -> None:
        """Adds what follows from the facts: densities, checks, and the roofline."""
        facts = member.facts
        if self._equal(framework) and facts["unlike"]:
            fields |= {"status": "invalid", "reason": facts["unlike"]}
        metrics = fields["metrics"]
        metrics |= {
            name: facts[name]
            for name in (
                "layer_input_density",
                "layer_output_density",
                "spikes_compared",
                "spikes_differing",
                "weight_gradient_error",
            )
        }
        if self._peaks is not None:
            for name, work in _works(size, facts["nonzero"]).items():
                metrics[f"{name}_bound_ms"] = 1000 * self._peaks.seconds(work)
            metrics["roofline_share"] = metrics["total_bound_ms"] / metrics["total_ms"]["median"]

    def _subject(self, framework: Framework, row: LayerRow) -> Subject:
        location, size = framework.plugin.location, row.size

        def opening(to_follow: int) -> OpenLayer:
            return OpenLayer(plugin=location, row=row, to_follow=to_follow)

        def least_work(_batches: Mapping[str, int], facts: Mapping[str, Any]) -> dict[str, Work]:
            return _works(size, facts["nonzero"])

        return Subject(
            key=row.key,
            label=_label(framework, size),
            framework=framework.plugin.framework,
            device=self._device,
            threads=self._config.threads,
            opening=opening,
            whats=("layer",),
            comparable=self._equal(framework),
            least_work=least_work,
        )

    def _row(self, framework: Framework, size: LayerSize) -> LayerRow:
        return LayerRow(**framework.contender.model_dump(), neuron=self._config.timed, size=size)

    def _equal(self, framework: Framework) -> bool:
        return framework.proofs[self._config.timed].status == "ok"

    def _why_not(self, framework: Framework, size: LayerSize) -> Failed | None:
        """Why a layer of this size is not tried."""
        proof = framework.proofs[self._config.timed]
        if proof.status not in ("ok", "invalid"):
            return Failed(status=proof.status, reason=proof.reason)
        if framework.gave_up:
            return Failed(status="skipped", reason=framework.gave_up)
        seconds = framework.forecast(size, self._peaks) * (self._config.rounds + _OTHER_CALLS)
        if seconds > self._config.timeout:
            return Failed(
                status="skipped",
                reason=f"would take about {seconds:.0f} s by the size before, more than --timeout",
            )
        return None

    def _remember(self, framework: Framework, record: LayerTiming) -> None:
        """Keeps what the next size's forecast needs."""
        size = record.row.size
        if record.status in ("timeout", "oom", "crashed"):
            framework.gave_up = f"{record.status} at {size.neurons} neurons: not tried"
        total = record.metrics.get("total_ms")
        if isinstance(total, Mapping):
            framework.seconds[size.density] = size.neurons, total["median"] / 1000

    # --- peaks ------------------------------------------------------------------------------------

    def _known_peaks(self) -> Peaks | None:
        peaks: Peaks | None = None
        for record in self._done.values():
            if isinstance(record, PeaksRecord) and record.status == "ok":
                peaks = _higher(peaks, record.metrics)
        return peaks

    def _keep_peaks(self, event: Measured | Failed | None) -> None:
        """Records the peaks of a group; the highest found so far count."""
        if event is None:
            return
        if isinstance(event, Measured):
            found: dict[str, Any] = {"status": "ok", "metrics": event.metrics}
            self._peaks = _higher(self._peaks, event.metrics)
        else:
            found = failed(event)
        self._folder.append(
            PeaksRecord(
                session=self._session,
                device=self._device,
                threads=self._config.threads,
                started=_now(),
                **found,
            )
        )


def _higher(known: Peaks | None, metrics: Mapping[str, float]) -> Peaks:
    found = Peaks(metrics["peak_flops"], metrics["peak_bandwidth"])
    if known is None:
        return found
    return Peaks(max(known.flops, found.flops), max(known.bandwidth, found.bandwidth))


def _works(size: LayerSize, nonzero: int) -> dict[str, Work]:
    shape = size.neurons, size.steps, size.batch, nonzero
    forward, backward = forward_work(*shape), backward_work(*shape)
    return dict(zip(_PASSES, (forward, backward, forward + backward), strict=True))


def _label(framework: Framework, size: LayerSize) -> str:
    return f"{framework.plugin.name} neurons={size.neurons} density={size.density:g}"


def _summary(framework: Framework) -> str:
    """The proofs of one framework in one line, each reason once."""
    proofs = list(framework.proofs.values())
    equal = sum(record.status == "ok" for record in proofs)
    others = {
        f"{'refused' if record.status == 'skipped' else record.status}: {record.reason}": None
        for record in proofs
        if record.status != "ok"
    }
    told = f"{framework.plugin.name}: {equal} of {len(proofs)} neurons equal"
    return "; ".join([told, *others])


def _now() -> str:
    return datetime.now(UTC).isoformat()
