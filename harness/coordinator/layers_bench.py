"""Carries out `harness layers`: peaks, proofs, then the layers of each size side by side."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.plugin import Neuron
from harness.catalogue.plugins import Plugin
from harness.protocol import (
    Failed,
    LayerSize,
    Measured,
    MeasurePeaks,
    OpenLayer,
    Proved,
    ProveLayer,
    TakeLayerRound,
    TakeMemory,
)
from harness.results.layers import LayerRecord, LayersFolder
from harness.results.record import finite
from harness.results.roofline import Peaks
from harness.coordinator.layers_config import LayersConfig
from harness.coordinator.layers_member import Member, TimedLayer
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import outcome
from harness.coordinator.pool import Workers
from harness.coordinator.process import Worker

_PEAKS_SECONDS = 120.0
#: Calls of a layer beside those of the rounds: the first, two for the memory, one to be warm.
_OTHER_CALLS = 4


class Bench:
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
        self.listener, self._stack = listener, stack
        self._workers = Workers()
        self.peaks: Peaks | None = None
        self._peaks_worker: Worker | None = None
        self._shuffler = random.Random(0)

    def carry_out(self, plugins: Sequence[Plugin]) -> None:
        """Everything, one worker at a time."""
        timeout = self.config.timeout
        members = [
            Member(plugin, self.folder.log(plugin.name), self._start, timeout) for plugin in plugins
        ]
        self.measure_peaks()
        for member in members:
            proofs = [self.prove(member, neuron) for neuron in self.config.neurons_to_prove()]
            self.listener.message(_summary(member.name, proofs))
        sizes = list(self.config.sizes())
        rounds = (self.config.rounds + 2) * len(members)
        for place, size in enumerate(sizes):
            self.measure(members, size, place * rounds, len(sizes) * rounds)

    def _start(self, log: Path) -> Worker:
        """A worker that lives as long as the bench, unless it dies before."""
        return self._stack.enter_context(self._workers.start(log, self.config.threads))

    def measure_peaks(self) -> None:
        """The device's peaks, in a worker of their own; the highest found so far count."""
        request = MeasurePeaks(device=self.device, threads=self.config.threads)
        log = self.folder.log("peaks")
        if self._peaks_worker is None:
            self._peaks_worker = self._start(log)
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

    def prove(self, member: Member, neuron: Neuron) -> LayerRecord:
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

    def measure(self, members: Sequence[Member], size: LayerSize, done: int, total: int) -> None:
        """The layers of one size: opened, then memory, then rounds in an order drawn anew each time."""
        group: list[TimedLayer] = []
        for member in members:
            timed = TimedLayer(member, size)
            timed.failed = self._why_not(member, size)
            group.append(timed)
        open_ = [timed for timed in group if not timed.failed]
        what = f"{size.neurons} neurons, density {size.density:g}"
        self.listener.measuring(done, total, what)
        for place, timed in enumerate(open_, start=1):
            timed.ask(
                OpenLayer(
                    plugin=timed.member.plugin.source,
                    neuron=self.config.timed,
                    size=size,
                    device=self.device,
                    threads=self.config.threads,
                    to_follow=len(open_) - place,
                )
            )
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

    def _why_not(self, member: Member, size: LayerSize) -> Failed | None:
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

    def _record(self, timed: TimedLayer) -> None:
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


def _summary(name: str, proofs: Sequence[LayerRecord]) -> str:
    """The proofs of one framework in one line, each reason once."""
    equal = sum(record.status == "ok" for record in proofs)
    others = {
        f"{'refused' if record.status == 'skipped' else record.status}: {record.reason}": None
        for record in proofs
        if record.status != "ok"
    }
    return "; ".join([f"{name}: {equal} of {len(proofs)} neurons equal", *others])
