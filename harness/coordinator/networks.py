"""The trained networks of a run as subjects of a measurement group: one a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.config.options import RunConfig
from harness.coordinator.group.member import Subject
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import recorded
from harness.coordinator.plan import Planned
from harness.coordinator.processes.pool import Workers
from harness.coordinator.timing import Bench
from harness.protocol.events import Prepared
from harness.protocol.requests import OpenNetwork
from harness.results.naming import rows_named
from harness.results.record import NetworkTiming, TrialRecord, Variant
from harness.results.roofline import Work
from harness.results.store import RunFolder
from harness.subjects import Row

WHATS = ("latency", "inference", "train")
#: The rounds of a variant, which is not trained.
INFERRING = ("latency", "inference")
EAGER = "eager"
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
        _subject(plan, record, labels[record.row.key], data, folder, config, variant)
        for plan, record in trained
        for variant in config.variants
    ]
    fields, peaks = Bench(config, folder, session, workers, listener).measure(
        subjects,
        calls=_LEAST_CALLS,
        jobs=config.parallel(trained[0][1].row.device),
        baseline=[row.key for row in rows_named(config.baseline, [r.row for _, r in trained])],
        names={
            _key(record.row, variant): _key(record, variant)
            for _, record in trained
            for variant in config.variants
        },
    )
    for _, record in trained:
        timing = recorded(
            NetworkTiming,
            fields[record.row.key],
            session=session,
            row=record.row,
            seed=record.seed,
            variants={
                variant: recorded(Variant, fields[_key(record.row, variant)], session=session)
                for variant in config.variants
                if variant != EAGER
            },
        )
        folder.append(timing)
        listener.recorded(labels[record.row.key], timing)
    if peaks is not None:
        folder.append(peaks)


def _key(of: Row | TrialRecord, variant: str) -> str:
    """The key of a row or of a trial, with its variant where it is none that is eager."""
    return of.key if variant == EAGER else f"{of.key}-{variant}"


def _subject(
    plan: Planned,
    record: TrialRecord,
    label: str,
    data: Prepared,
    folder: RunFolder,
    config: RunConfig,
    variant: str,
) -> Subject:
    trial, row = plan.trial, record.row
    eager = variant == EAGER
    request = OpenNetwork(
        plugin=plan.plugin.location,
        trial=trial,
        data=data.path,
        state=str(folder.file("state", trial.key, ".safetensors").resolve()),
        predictions=str(folder.file("predictions", trial.key, ".safetensors").resolve())
        if record.predictions
        else "",
        variant=variant,
    )
    fewest = record.metrics.get("fewest_flops")

    def least_work(batches: Mapping[str, int], _facts: Mapping[str, Any]) -> dict[str, Work]:
        if fewest is None:
            return {}
        return {what: Work(fewest * batches[what], 0) for what in ("latency", "inference")}

    return Subject(
        key=_key(row, variant),
        label=label if eager else f"{label} ({variant})",
        framework=plan.plugin.framework,
        interpreter=plan.plugin.interpreter,
        device=row.device,
        threads=row.threads,
        opening=lambda _to_follow: request,
        whats=WHATS if eager else INFERRING,
        memory=eager,
        validity=True,
        energy=eager,
        sweep=eager and config.sweep,
        comparable=eager,
        against="" if eager else row.key,
        least_work=least_work,
    )
