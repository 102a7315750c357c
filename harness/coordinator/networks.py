"""The trained networks of a run as subjects of a measurement group: one a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.coordinator.config import RunConfig
from harness.coordinator.group import Procedure, Subject, measure
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import failed
from harness.coordinator.plan import Planned, names_row
from harness.coordinator.pool import Workers
from harness.protocol import Measured, OpenNetwork, Prepared
from harness.results.record import NetworkTiming, PeaksRecord, TrialRecord
from harness.results.roofline import Work
from harness.results.store import RunFolder

WHATS = ("latency", "inference", "train")
_LEAST_CALLS = 3


def measure_networks(
    trained: Sequence[tuple[Planned, TrialRecord]],
    labels: Mapping[str, str],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    session: int,
    workers: Workers,
    listener: Listener,
) -> None:
    """Measures one trained network of each row, and appends what became of each.

    `labels` names rows by their keys.
    """
    subjects = [
        _subject(plan, record, labels[record.row.key], data, folder) for plan, record in trained
    ]
    procedure = Procedure(
        rounds=config.rounds,
        min_time=config.min_time,
        calls=_LEAST_CALLS,
        timeout=config.timeout,
        jobs=config.parallel(trained[0][1].row.device),
        baseline=[
            record.row.key
            for _, record in trained
            if config.baseline and names_row(config.baseline, record.row)
        ],
    )
    trials = {record.row.key: record.key for _, record in trained}

    def log(key: str, process: int) -> Path:
        return folder.file("logs", trials[key], f".timing-{process + 1}.log")

    result = measure(subjects, procedure, log, workers, listener)
    fields = result.fields()
    for member, (_, record) in zip(result.members, trained, strict=True):
        samples = {"batches": member.batches, "seconds": member.times, "energy": member.facts}
        folder.write_samples(record.key, samples)
        timing = NetworkTiming(
            session=session, row=record.row, seed=record.seed, **fields[record.row.key]
        )
        folder.append(timing)
        listener.recorded(labels[record.row.key], timing)
    if result.peaks is not None:
        row = trained[0][1].row
        found = (
            {"status": "ok", "metrics": result.peaks.metrics}
            if isinstance(result.peaks, Measured)
            else failed(result.peaks)
        )
        folder.append(PeaksRecord(session=session, device=row.device, threads=row.threads, **found))


def _subject(
    plan: Planned, record: TrialRecord, label: str, data: Prepared, folder: RunFolder
) -> Subject:
    trial, row = plan.trial, record.row
    request = OpenNetwork(
        plugin=plan.plugin.location,
        trial=trial,
        data=data.path,
        state=str(folder.file("state", trial.key, ".safetensors").resolve()),
        accuracy=record.metrics.get("test_accuracy"),
    )
    fewest = record.metrics.get("fewest_flops")

    def least_work(batches: Mapping[str, int], _facts: Mapping[str, Any]) -> dict[str, Work]:
        if fewest is None:
            return {}
        return {what: Work(fewest * batches[what], 0) for what in ("latency", "inference")}

    return Subject(
        key=row.key,
        label=label,
        framework=plan.plugin.framework,
        device=row.device,
        threads=row.threads,
        opening=lambda _to_follow: request,
        whats=WHATS,
        validity=True,
        energy=True,
        least_work=least_work,
    )
