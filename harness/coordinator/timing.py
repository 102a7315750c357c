"""From the subjects of a measurement group to what a run keeps of it: logs, samples, fields, peaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.options import Config
from harness.coordinator.group.measure import measure
from harness.coordinator.group.member import Procedure, Subject
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import now, recorded
from harness.coordinator.processes.devices import gpu_state
from harness.coordinator.processes.failures import failed
from harness.coordinator.processes.pool import Workers
from harness.protocol.events import Failed, Measured
from harness.results.caveats import OTHERS
from harness.results.record import PeaksRecord
from harness.results.store import RunFolder


@dataclass
class Bench:
    """Where one command measures: as `config` asks, for the place `session` in the run of `folder`."""

    config: Config
    folder: RunFolder
    session: int
    workers: Workers
    listener: Listener

    def measure(
        self,
        subjects: Sequence[Subject],
        calls: int,
        jobs: int,
        baseline: Sequence[str],
        names: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, dict[str, Any]], PeaksRecord | None]:
        """The fields of the subjects' records by their keys, and the record of the device's peaks.

        Logs and samples lie in the run's folder, by the keys or by what `names` has in their place. For
        `calls`, `jobs` and `baseline` see `Procedure`.
        """
        config, files = self.config, names or {subject.key: subject.key for subject in subjects}

        def log(key: str, process: int) -> Path:
            return self.folder.file("logs", files[key], f".timing-{process + 1}.log")

        procedure = Procedure(config.rounds, config.min_time, calls, config.timeout, jobs, baseline)
        device = subjects[0].device
        before = gpu_state(device)
        result = measure(subjects, procedure, log, self.workers, self.listener.measuring)
        card = {"before": before, "after": gpu_state(device)} if before else {}
        for member in result.members:
            samples: dict[str, Any] = {"batches": member.batches, "seconds": member.times}
            if member.subject.energy:
                samples["energy"] = member.facts
            self.folder.write_samples(files[member.subject.key], samples)
        return result.fields(), self._peaks(result.peaks, subjects[0], card, result.others)

    def _peaks(
        self,
        event: Measured | Failed | None,
        subject: Subject,
        card: Mapping[str, Any],
        others: Mapping[str, float],
    ) -> PeaksRecord | None:
        if event is None:
            return None
        fields = failed(event)
        facts: dict[str, Any] = {"card": card} if card else {}
        if others:
            facts[OTHERS] = dict(others)
        if isinstance(event, Measured):
            fields = {"status": "ok", "metrics": event.metrics, "absent": event.absent}
            facts["precision"] = event.facts
        fields["facts"] = facts
        place = {"device": subject.device, "threads": subject.threads, "session": self.session}
        return recorded(PeaksRecord, fields, started=now(), **place)
