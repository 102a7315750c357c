"""What a run would do, and about how long it would take: a few batches of each row are timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from harness.config.options import RunConfig
from harness.coordinator.executors.job import Job, run_here
from harness.coordinator.listener import Listener
from harness.coordinator.plan import Planned
from harness.coordinator.processes.pool import Workers, spread
from harness.coordinator.scratch import scratch_folder
from harness.plugin.parameters import BATCH_SIZE, EPOCHS
from harness.protocol.events import Failed, Prepared, Progress
from harness.subjects import Trial

#: So many batches of a row are trained, and at least so many samples.
_BATCHES, _SAMPLES = 4, 200
#: Kinds of rounds of the measurement group. With its warm-up, a round takes about twice its time; opening,
#: memory, energy and checks of a row take seconds more, and so does the report.
_KINDS, _WITH_WARM_UP, _OTHER_SECONDS = 3, 2.0, 4.0


@dataclass(frozen=True)
class Expected:
    """One row: `seconds` of one trial, about; None where it is not known, as `reason` says."""

    name: str
    trials: int
    seconds: float | None
    reason: str = ""
    task: str = field(default="", compare=False)


@dataclass(frozen=True)
class Forecast:
    """The rows of a run; `seconds` of all its trials, `jobs` at once, and of the measurement.

    Tasks come one after the other.
    """

    rows: Sequence[Expected]
    jobs: int
    measuring_seconds: float

    @classmethod
    def of(cls, tasks: Sequence[Forecast]) -> Forecast:
        """The forecast for all of several tasks, of those for each."""
        rows = [row for one in tasks for row in one.rows]
        jobs = max(one.jobs for one in tasks)
        return cls(rows, jobs, sum(one.measuring_seconds for one in tasks))

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return sum(row.trials for row in self.rows)

    @property
    def seconds(self) -> float:
        """Of the whole run, as far as it is known: never less than the longest trial of each task takes."""
        of_tasks: dict[str, list[Expected]] = {}
        for row in self.rows:
            if row.seconds is not None:
                of_tasks.setdefault(row.task, []).append(row)
        training = 0.0
        for known in of_tasks.values():
            longest = max(row.seconds or 0.0 for row in known)
            together = sum(row.trials * (row.seconds or 0.0) for row in known) / self.jobs
            training += max(longest, together)
        return training + self.measuring_seconds


def probe(
    planned: Sequence[Planned],
    config: RunConfig,
    data: Prepared,
    workers: Workers,
    listener: Listener,
) -> Forecast:
    """The forecast for `planned`: the first batches of each row's first seed are trained and timed."""
    firsts: dict[str, Planned] = {}
    for plan in planned:
        firsts.setdefault(plan.trial.row.key, plan)
    jobs = config.parallel(planned[0].trial.row.device) if planned else 1
    sizes: dict[str, int] = data.facts.get("splits", {})
    seeds = len(config.seeds)

    def expect(plan: Planned) -> Expected:
        listener.doing(f"timing a few batches of {plan.name}")
        if plan.refused:
            reason = f"{plan.refused.status}: {plan.refused.reason}"
            return Expected(plan.name, seeds, None, reason, config.task)
        few = _few(plan.trial)
        watch = _Stopwatch()
        with scratch_folder() as folder:
            places = (folder / "log", folder / "state", folder / "predictions")
            job = Job(plan.plugin, few, *places)
            outcome = run_here(workers, job, data.path, config.timeout, watch.progress)
        event = outcome.event
        if isinstance(event, Failed):
            reason = f"{event.status}: {event.reason}"
            return Expected(plan.name, seeds, None, reason, config.task)
        seconds = watch.seconds(plan.trial, few, sizes, outcome.stages)
        return Expected(plan.name, seeds, seconds, task=config.task)

    rows = list(spread([partial(expect, plan) for plan in firsts.values()], jobs, workers))
    order = {plan.name: place for place, plan in enumerate(firsts.values())}
    rows.sort(key=lambda row: order[row.name])
    timed = sum(row.seconds is not None for row in rows) if config.timing else 0
    a_row = _WITH_WARM_UP * config.rounds * _KINDS * config.min_time + _OTHER_SECONDS
    return Forecast(rows, jobs, timed * a_row)


def _few(trial: Trial) -> Trial:
    """`trial`, of one epoch over a few batches."""
    row = trial.row
    samples = max(_SAMPLES, _BATCHES * int(row.params[BATCH_SIZE]))
    limit = min(samples, row.limit or samples)
    params = {**row.params, EPOCHS: min(1, int(row.params[EPOCHS]))}
    return trial.model_copy(
        update={"row": row.model_copy(update={"limit": limit, "params": params})}
    )


class _Stopwatch:
    """When the first training step of a trial was done, and when the last."""

    def __init__(self) -> None:
        self._first = self._last = 0.0

    def progress(self, now: Progress) -> None:
        if now.stage == "train" and now.done and not self._first:
            self._first = monotonic()
        elif now.stage == "finish":
            self._last = monotonic()

    def seconds(
        self, trial: Trial, few: Trial, sizes: Mapping[str, int], stages: Mapping[str, float]
    ) -> float:
        """What all of `trial` takes, where the `stages` of `few` of it took so many seconds."""
        later_steps = self._last - (self._first or self._last)
        evaluation = stages.get("evaluate", 0.0)
        batch, epochs = int(trial.row.params[BATCH_SIZE]), int(trial.row.params[EPOCHS])
        whole, part = _sizes(sizes, trial.row.limit), _sizes(sizes, few.row.limit)
        steps = epochs * -(-whole["train"] // batch)
        timed = max(1, -(-part["train"] // batch) - 1)
        share = (whole["validation"] + 2 * whole["test"]) / (
            part["validation"] + 2 * part["test"] or 1
        )
        fixed = sum(stages.values()) - later_steps - evaluation
        return fixed + later_steps / timed * (steps - 1) + evaluation * max(1.0, share)


def _sizes(sizes: Mapping[str, int], limit: int | None) -> dict[str, int]:
    return {
        name: min(limit or sizes.get(name, 1), sizes.get(name, 1))
        for name in ("train", "validation", "test")
    }
