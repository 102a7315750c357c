"""The trained networks of a run as subjects of a measurement group: one a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.coordinator.config import RunConfig
from harness.coordinator.group import Subject
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import recorded
from harness.coordinator.plan import Planned, names_row
from harness.coordinator.pool import Workers
from harness.coordinator.timing import Bench
from harness.protocol import OpenNetwork, Prepared
from harness.results.record import NetworkTiming, TrialRecord
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
    fields, peaks = Bench(config, folder, session, workers, listener).measure(
        subjects,
        calls=_LEAST_CALLS,
        jobs=config.parallel(trained[0][1].row.device),
        baseline=[
            record.row.key
            for _, record in trained
            if config.baseline and names_row(config.baseline, record.row)
        ],
        names={record.row.key: record.key for _, record in trained},
    )
    for _, record in trained:
        timing = recorded(
            NetworkTiming,
            fields[record.row.key],
            session=session,
            row=record.row,
            seed=record.seed,
        )
        folder.append(timing)
        listener.recorded(labels[record.row.key], timing)
    if peaks is not None:
        folder.append(peaks)


def _subject(
    plan: Planned, record: TrialRecord, label: str, data: Prepared, folder: RunFolder
) -> Subject:
    trial, row = plan.trial, record.row
    request = OpenNetwork(
        plugin=plan.plugin.location,
        trial=trial,
        data=data.path,
        state=str(folder.file("state", trial.key, ".safetensors").resolve()),
        predictions=str(folder.file("predictions", trial.key, ".safetensors").resolve())
        if record.predictions
        else "",
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
