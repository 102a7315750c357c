"""Carries out trials, several side by side: each leaves a record, whatever becomes of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from harness.config.options import RunConfig
from harness.coordinator.checkpoints import Checkpoints
from harness.coordinator.executors.job import Executor, Job, Outcome, Stages
from harness.coordinator.executors.local import LocalExecutor
from harness.coordinator.listener import Listener
from harness.coordinator.metric_worker import MetricWorker
from harness.coordinator.metrics import OwnMetric
from harness.coordinator.outcome import recorded, trained
from harness.coordinator.own_metrics import OwnMetrics
from harness.coordinator.plan import Planned
from harness.coordinator.processes.pool import Workers, spread
from harness.coordinator.queue import Queue
from harness.coordinator.reload import reloaded
from harness.coordinator.scoring import Scorer
from harness.protocol.events import Prepared, Progress, Trained
from harness.results.record import TrialRecord
from harness.results.store import RunFolder


def run_trials(
    planned: Sequence[Planned],
    config: RunConfig,
    data: Prepared,
    folder: RunFolder,
    session: int,
    described_logs: Path,
    workers: Workers,
    listener: Listener,
    labels: Path,
    chosen: Sequence[OwnMetric] = (),
    executor: Executor | None = None,
) -> bool:
    """Runs the trials, several at a time, and appends what became of each, with the `chosen` metrics.

    The true classes of the test samples are kept in `labels`. Trials run where `executor` runs them, on
    this machine by `workers` without one. False where one failed that was to end the run, as
    `config.fail_fast` says.
    """
    if executor is None:
        slots = config.parallel(planned[0].trial.row.device) if planned else 1
        executor = LocalExecutor(workers, config, data, slots)
    scorer = Scorer(data.task, data.labels, folder, labels, config.limit)
    checkpoints = Checkpoints(config.checkpoint, folder, listener.message)
    classes = data.task.classes if data.task else 0
    log = folder.file("logs", "metrics", ".log")
    with MetricWorker(workers, log) as worker, closing(checkpoints):
        own = OwnMetrics(chosen if data.labels else (), worker, labels, classes, described_logs)
        trials = _Trials(
            folder, session, described_logs, executor, scorer, own, checkpoints, listener
        )
        queue = Queue(planned)
        calls = [lambda: trials.carry_out(queue.next())] * len(planned)
        for label, record in spread(calls, executor.parallel, executor):
            folder.append(record)
            checkpoints.recorded(record)
            queue.took(record)
            listener.recorded(label, record)
            if config.fail_fast and record.status not in ("ok", "skipped"):
                listener.message("stopped at the first failure (--fail-fast)")
                executor.stop()
                return False
    return True


@dataclass(frozen=True)
class _Trials:
    """What all trials of a task need. One thread carries out one of them."""

    folder: RunFolder
    session: int
    described_logs: Path
    executor: Executor
    scorer: Scorer
    own: OwnMetrics
    checkpoints: Checkpoints
    listener: Listener

    def carry_out(self, plan: Planned) -> tuple[str, TrialRecord]:
        """The label of the trial, and its record: trained, scored, and loaded once more."""
        trial, log = plan.trial, self.folder.file("logs", plan.trial.key, ".log")
        job = None if plan.refused else self._job(plan, log)
        if job is None:
            outcome = self._refused(plan, log)
        else:
            outcome = self.executor.run(job, partial(self._heard, plan))
        stages = Stages(outcome.stages, "score")
        fields = self._scored(plan, outcome)
        if job and fields["status"] == "ok":
            stages.enter("reload")
            fields = reloaded(fields, self.executor.reload(job, outcome))
        stages.enter("end")
        if plan.source and plan.source.accuracy is not None and fields["status"] == "ok":
            fields["metrics"]["reported_accuracy"] = plan.source.accuracy
        return plan.label, recorded(
            TrialRecord,
            fields,
            session=self.session,
            row=trial.row,
            seed=trial.seed,
            started=outcome.started,
            seconds=round(sum(stages.seconds.values()), 3),
            stages={name: round(seconds, 3) for name, seconds in stages.seconds.items()},
            jobs=self.executor.slots,
            node=outcome.node,
            source=plan.source,
            family=plan.family,
            unused=plan.unused,
            log=f"logs/{log.name}" if log.exists() else "",
        )

    def _job(self, plan: Planned, log: Path) -> Job:
        trial = plan.trial
        return Job(
            plan.plugin,
            trial,
            log=log,
            state=self.folder.file("state", trial.key, ".safetensors"),
            predictions=self.folder.file("predictions", trial.key, ".safetensors"),
            asked={**self.own.asked(trial.key), **self.checkpoints.asked(trial)},
        )

    def _refused(self, plan: Planned, log: Path) -> Outcome:
        """The outcome of a trial that cannot begin; its log is that of its plugin's description."""
        assert plan.refused
        with suppress(FileNotFoundError):
            shutil.copyfile(self.described_logs / f"{plan.plugin.label}.log", log)
        return Outcome(plan.refused, datetime.now(UTC).isoformat(timespec="seconds"))

    def _heard(self, plan: Planned, progress: Progress) -> None:
        self.checkpoints.heard(plan, progress)
        self.listener.progress(plan.label, progress)

    def _scored(self, plan: Planned, outcome: Outcome) -> dict[str, Any]:
        """The fields of the record, with the metrics of its predictions and those by hook."""
        trial = plan.trial
        event = self.scorer.check(outcome.event, trial, set(outcome.stages))
        fields = self.scorer.score(trained(event), trial)
        unchanged = outcome.event.unchanged if isinstance(outcome.event, Trained) else {}
        return self.own.add(fields, trial.key, unchanged)
