"""Carries out `harness layers`: proofs, then a measurement group for each size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from harness.catalogue.plugins import Plugin
from harness.config.options import LayersConfig
from harness.coordinator.group.member import Subject
from harness.coordinator.outcome import now, recorded
from harness.coordinator.processes.failures import failed
from harness.coordinator.processes.pool import asking
from harness.coordinator.timing import Bench
from harness.protocol.events import Event, Failed, Proved
from harness.protocol.requests import OpenLayer, ProveLayer
from harness.results.labels import labels
from harness.results.metrics import METRICS
from harness.results.record import LayerProof, LayerTiming
from harness.results.roofline import Peaks, highest_peaks, layer_work
from harness.subjects import Contender, LayerRow, LayerSize

#: Calls of a layer beside those of the rounds: two openings of two processes, memory, warm-up.
_OTHER_CALLS = 6


@dataclass
class LayersBench(Bench):
    """Proofs and measurements of one command. What the same host has a record of is not made again."""

    config: LayersConfig

    def carry_out(self, plugins: Sequence[Plugin], device: str) -> None:
        """The proofs of every framework, then the sizes, the smallest first."""
        rows = [plugin.contender(device, self.config.threads) for plugin in plugins]
        self._locations = {plugin.name: plugin.location for plugin in plugins}
        #: Those of the timed neuron, by plugin.
        self._proofs = {p.name: self._prove(p, row) for p, row in zip(plugins, rows, strict=True)}
        neuron = self.config.timed
        for size in self.config.sizes():
            self._measure([LayerRow(**vars(row), neuron=neuron, size=size) for row in rows])

    def _prove(self, plugin: Plugin, row: Contender) -> LayerProof:
        """Proves every neuron, and returns the proof of the timed one.

        All in one worker; where it dies, the next neuron has a new one.
        """
        self.listener.doing(f"proving {plugin.name}")
        kept = self.folder.kept(self.session)
        proofs = {r.neuron: r for r in kept if isinstance(r, LayerProof) and r.row == row}
        log = self.folder.file("logs", plugin.name, ".log")
        neurons = self.config.neurons_to_prove()
        with asking(self.workers, plugin, log, row.threads) as ask:
            for neuron in neurons:
                if neuron in proofs:
                    continue
                request = ProveLayer(
                    plugin=plugin.location, neuron=neuron, device=row.device, threads=row.threads
                )
                event = ask(request, self.config.timeout)
                proofs[neuron] = recorded(
                    LayerProof,
                    _proved(event),
                    session=self.session,
                    row=row,
                    neuron=neuron,
                    started=now(),
                    log=f"logs/{log.name}" if log.exists() else "",
                )
                self.folder.append(proofs[neuron])
        self.listener.message(_summary([proofs[neuron] for neuron in neurons]))
        return proofs[self.config.timed]

    def _measure(self, rows: Sequence[LayerRow]) -> None:
        """The layers of one size, side by side; not again where all of them have a record."""
        kept = self.folder.kept(self.session)
        known = {record.row: record for record in kept if isinstance(record, LayerTiming)}
        if known.keys() >= set(rows):
            return
        names = dict(zip(rows, labels(rows), strict=True))
        peaks = highest_peaks(kept)
        refused = {row: self._why_not(row, known, peaks) for row in rows}
        fields = {row.key: failed(reason) for row, reason in refused.items() if reason}
        if group := [row for row in rows if not refused[row]]:
            measured, record = self.measure(
                [self._subject(row, names[row]) for row in group],
                calls=1,
                jobs=1,  # a forecast of memory must see what the one before has taken
                baseline=[r.key for r in group if self.config.baseline in (r.plugin, r.framework)],
            )
            fields |= measured
            if record:
                self.folder.append(record)
                peaks = highest_peaks([*kept, record])
        for row in rows:
            if fields[row.key]["status"] == "ok":
                self._finish(row, fields[row.key], peaks)
            equal = self._proofs[row.plugin].status == "ok"
            identity = {"session": self.session, "row": row, "equal": equal, "started": now()}
            timing = recorded(LayerTiming, fields[row.key], **identity)
            self.folder.append(timing)
            self.listener.recorded(names[row], timing)

    def _subject(self, row: LayerRow, name: str) -> Subject:
        plugin = self._locations[row.plugin]
        return Subject(
            key=row.key,
            label=name,
            framework=row.framework,
            device=row.device,
            threads=row.threads,
            opening=lambda to_follow: OpenLayer(plugin=plugin, row=row, to_follow=to_follow),
            whats=("layer",),
            comparable=self._proofs[row.plugin].status == "ok",
            least_work=lambda _batches, facts: layer_work(row.size, facts["nonzero"]),
        )

    def _finish(self, row: LayerRow, fields: dict[str, Any], peaks: Peaks | None) -> None:
        """Adds what follows from the facts: densities, checks, and the roofline."""
        facts, metrics = fields["facts"], fields["metrics"]
        if facts["unlike"] and self._proofs[row.plugin].status == "ok":
            fields |= {"status": "invalid", "reason": facts["unlike"]}
        metrics |= {name: value for name, value in facts.items() if name in METRICS}
        if peaks is not None:
            for name, work in layer_work(row.size, facts["nonzero"]).items():
                metrics[f"{name}_bound_ms"] = 1000 * peaks.seconds(work)
            metrics["roofline_share"] = metrics["total_bound_ms"] / metrics["total_ms"]["median"]

    def _why_not(
        self, row: LayerRow, known: Mapping[LayerRow, LayerTiming], peaks: Peaks | None
    ) -> Failed | None:
        """Why a layer of this size is not tried; `known` are the records of those before."""
        proof = self._proofs[row.plugin]
        if proof.status not in ("ok", "invalid"):
            return Failed(status=proof.status, reason=proof.reason)
        sizes = takewhile(lambda size: size != row.size, self.config.sizes())
        before = [known[row.model_copy(update={"size": size})] for size in sizes]
        for record in reversed(before):
            if record.status in ("timeout", "oom", "crashed"):
                reason = f"{record.status} at {record.row.size.neurons} neurons: not tried"
                return Failed(status="skipped", reason=reason)
        seconds = forecast(row.size, before, peaks) * (self.config.rounds + _OTHER_CALLS)
        if seconds <= self.config.timeout:
            return None
        reason = f"would take about {seconds:.0f} s by the size before, more than --timeout"
        return Failed(status="skipped", reason=reason)


def forecast(size: LayerSize, before: Sequence[LayerTiming], peaks: Peaks | None) -> float:
    """The seconds of a call, by those of the size before: none where there is none before.

    The neurons' part grows with their number; the products, dense ones, with its square.
    """
    alike = [record for record in before if record.row.size.density == size.density]
    timed = [record for record in alike if "total_ms" in record.metrics]
    if not timed:
        return 0.0
    seconds = float(timed[-1].metrics["total_ms"]["median"]) / 1000
    times = size.neurons / timed[-1].row.size.neurons
    if peaks is None:
        return seconds * times**2
    return seconds * times + layer_work(size, size.inputs)["total"].flops / peaks.flops


def _proved(event: Event) -> dict[str, Any]:
    """The fields of the record of a proof."""
    if not isinstance(event, Proved):
        return failed(event)
    status = "invalid" if event.reason else "ok"
    return {"status": status, "reason": event.reason, "metrics": event.metrics}


def _summary(proofs: Sequence[LayerProof]) -> str:
    """The proofs of one framework in one line, each reason once."""
    others: dict[str, None] = {}
    for record in proofs:
        if record.status != "ok":
            word = "refused" if record.status == "skipped" else record.status
            others[f"{word}: {record.reason}"] = None
    equal = sum(record.status == "ok" for record in proofs)
    summary = f"{proofs[0].row.plugin}: {equal} of {len(proofs)} neurons equal"
    return "; ".join([summary, *others])
