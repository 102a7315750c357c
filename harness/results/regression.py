"""Two runs of the same rows: what became better or worse, and what cannot be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from harness.errors import plain
from harness.results import change
from harness.results.accuracy import Outcomes
from harness.results.answers import Answers
from harness.results.apart import why_apart
from harness.results.change import Change
from harness.results.comparison import Noise, Rounds, between, group_noise
from harness.results.machines import same_machine, versions
from harness.results.matching import Pair, match
from harness.results.metrics import HOST, METRICS, REGISTRY, Metric
from harness.results.reading import is_number
from harness.results.record import LayerTiming, NetworkTiming, Record
from harness.results.session import Session
from harness.results.standings import paired_differences
from harness.results.store import Times
from harness.results.summary import Summary
from harness.results.timed_changes import Timed, shared, timed_changes
from harness.subjects import Row

if TYPE_CHECKING:
    import pandas as pd

Timing = NetworkTiming | LayerTiming

#: Whether timings are compared: between sessions of one machine in one state, of any, or never.
Timings = Literal["same", "anyway", "none"]


def compared_metrics() -> list[Metric]:
    """What is compared: that of which one direction is good, in the order of the registry.

    Of times, only the raw series of a measurement group: training times come from trials side by side,
    percentiles from calls that are compared already, and a first call happens once.
    """
    return [
        metric
        for metric in REGISTRY
        if metric.better
        and metric.place != "record"
        and metric.combine in {"accuracy", "seeds", "mean", "one"}
        and (metric.series or metric.unit not in {"s", "ms"})
        and metric.name != "roofline_share"
    ]


@dataclass(frozen=True)
class RunData:
    """A run as a comparison needs it.

    `answers` are those to each task, `times_of` reads the raw times of a measurement by its key;
    ValueError where they cannot be read.
    """

    name: str
    rows: Sequence[Summary]
    records: Sequence[Record]
    sessions: Sequence[Session]
    answers: Mapping[str, Answers] = field(default_factory=dict)
    times_of: Callable[[str], Times] = field(default=lambda _key: Times(batches={}, seconds={}))
    _noises: dict[tuple[int, str, str], Noise] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """The tasks of its networks."""
        return list(dict.fromkeys(s.row.task for s in self.rows if isinstance(s.row, Row)))

    def session(self, record: Record) -> Session:
        """The session of a record; an empty one where run.json does not have it."""
        known = record.session < len(self.sessions)
        return self.sessions[record.session] if known else Session()

    def beside(self, record: Record) -> list[Record]:
        """The records of the same session."""
        return [other for other in self.records if other.session == record.session]

    def times(self, timing: Timing, series: str) -> Rounds:
        """The seconds for each sample, round by round; none where they were not kept."""
        try:
            taken = self.times_of(timing.key)
        except ValueError:
            return []
        batch = taken.batches.get(series, 1)
        return [[s / batch for s in calls] for calls in taken.seconds.get(series, [])]

    def noise(self, timing: Timing, series: str) -> Noise:
        """The noise of the group in which `timing` was taken: one task, or layers of one size."""
        group_of = _group(timing)
        place = timing.session, group_of, series
        if place not in self._noises:
            group = [
                taken
                for record in self.beside(timing)
                if isinstance(record, (NetworkTiming, LayerTiming)) and record.status == "ok"
                if _group(record) == group_of
                if len(taken := self.times(record, series)) > 1
            ]
            self._noises[place] = group_noise(group)
        return self._noises[place]


@dataclass(frozen=True)
class Lost:
    """A row that had a result and has none now, or for fewer seeds."""

    row: str
    reason: str


@dataclass(frozen=True)
class Missing:
    """Metrics of a row that has results in both runs, which the new one has no value of."""

    row: str
    metrics: Sequence[str]
    reason: str


@dataclass(frozen=True)
class Comparison:
    """What differs between two runs.

    `changes` hold every metric of every row that both have, `lost` the rows of which seeds no longer
    succeed, `missing` what else the new run has no value of; `gone` are those of `only_old` that had a
    result; `versions` are (what, old, new). `notes` say what was not compared, and why.
    """

    old: str
    new: str
    changes: Sequence[Change]
    lost: Sequence[Lost] = ()
    missing: Sequence[Missing] = ()
    only_old: Sequence[str] = ()
    only_new: Sequence[str] = ()
    gone: Sequence[str] = ()
    versions: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = ()

    def __repr__(self) -> str:
        verdicts = Counter(change.verdict for change in self.changes)
        text = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        lost = f", {len(self.lost)} lost" if self.lost else ""
        return f"<Comparison of {self.old} with {self.new}: {text or 'nothing compared'}{lost}>"

    def changed(self, only: Collection[str] = ("better", "worse")) -> list[Change]:
        """The changes of these verdicts."""
        return [each for each in self.changes if each.verdict in only]

    @property
    def frame(self) -> pd.DataFrame:
        """One line for each metric of each row, ties included: the fields of `Change`."""
        import pandas as pd

        columns = list(Change.__dataclass_fields__)
        return pd.DataFrame([asdict(each) for each in self.changes], columns=columns)


def compare_runs(
    old: RunData, new: RunData, timings: Timings = "same", metrics: Collection[str] = ()
) -> Comparison:
    """Every metric (of those named, if any) of every row that both runs have, old and new.

    Of rows that are refuted, none: their numbers do not hold.
    """
    chosen = [metric for metric in compared_metrics() if not metrics or metric.name in metrics]
    matched = match(old.rows, new.rows)
    notes: dict[str, None] = {}
    for name in _of_other_code(old.sessions, new.sessions):
        notes[f"{name} was computed by other code in the two runs: it is not compared."] = None
        chosen = [metric for metric in chosen if metric.name != name]
    changes: list[Change] = []
    timed: list[Timed] = []
    pairs = [pair for pair in matched.pairs if not (pair.old.refuted or pair.new.refuted)]
    for pair in matched.pairs:
        if pair not in pairs:
            notes[f"{pair.label} is refuted: nothing of it is compared."] = None
    if METRICS[_NAME] in chosen:
        for task in [*old.answers]:
            changes += _accuracies(task, old, new, pairs, notes)
    known = {each.row for each in changes}
    for pair in pairs:
        for metric in chosen:
            if metric.name == _NAME and pair.label in known:
                continue
            if "trial" in metric.of:
                changes += _of_trials(pair, metric)
            elif metric.series and timings != "none":
                timed += _timed(old, new, pair, metric, timings, notes)
            elif not metric.series and pair.old.has(metric.name) and pair.new.has(metric.name):
                changes.append(_once(pair, metric, "measured once"))
    changes += timed_changes(timed)
    notes |= dict.fromkeys(shared(timed))
    order = {metric.name: place for place, metric in enumerate(chosen)}
    rows = {pair.label: place for place, pair in enumerate(matched.pairs)}
    changes.sort(key=lambda each: (rows[each.row], order[each.metric]))
    wanted = [metric for metric in chosen if "trial" in metric.of or timings != "none"]
    missing = [each for pair in pairs for each in _missing(pair, wanted)]
    notes |= _told_of(missing)
    notes |= dict.fromkeys(why_apart(matched.only_old, matched.only_new))
    return Comparison(
        old.name,
        new.name,
        change.judged(changes),
        [lost for pair in matched.pairs for lost in _lost(pair)],
        missing,
        [plain(summary.label) for summary in matched.only_old],
        [plain(summary.label) for summary in matched.only_new],
        [plain(s.label) for s in matched.only_old if s.cells and not s.refuted],
        versions(old.sessions, new.sessions, old.tasks, new.tasks),
        list(notes),
    )


def _of_other_code(old: Sequence[Session], new: Sequence[Session]) -> list[str]:
    """The metrics by hook that differ between two runs in more than what they are called for people."""
    every = [
        {m.name: (m.digest, m.unit, m.better) for each in sessions for m in each.metrics}
        for sessions in (old, new)
    ]
    return [
        name
        for name, declared in every[0].items()
        if name not in HOST and every[1].get(name, declared) != declared
    ]


def _group(timing: Timing) -> str:
    """What a measurement group has in common, beside its session."""
    return repr(timing.row.size) if isinstance(timing, LayerTiming) else timing.row.task


_NAME = "test_accuracy"
_ONE_SEED = (
    "Accuracies of one seed compare two networks, not two methods: take three seeds or more."
)


def _accuracies(
    task: str, old: RunData, new: RunData, pairs: Sequence[Pair], notes: dict[str, None]
) -> list[Change]:
    """On one task, from the predictions that both runs kept, where their test samples are the same."""
    import numpy as np

    if task not in new.answers:
        return []
    pairs = [pair for pair in pairs if isinstance(pair.new.row, Row) and pair.new.row.task == task]
    if not pairs:
        return []
    if not np.array_equal(old.answers[task].labels, new.answers[task].labels):
        notes["The test samples of the two runs differ: accuracies are not compared."] = None
        both = [pair for pair in pairs if pair.old.has(_NAME) and pair.new.has(_NAME)]
        return [_once(pair, METRICS[_NAME], "other test samples") for pair in both]
    kept: dict[str, tuple[Outcomes, Outcomes]] = {}
    for pair in pairs:
        ours, theirs = pair.new.outcomes, pair.old.outcomes
        # Without a common seed, accuracies are compared as every other metric of trials.
        if ours and theirs and ours.accuracies.keys() & theirs.accuracies.keys():
            kept[pair.label] = ours, theirs
    changes = []
    for label, tested in zip(kept, paired_differences(list(kept.values())) if kept else []):
        common = kept[label][0].accuracies.keys() & kept[label][1].accuracies.keys()
        new_mean, old_mean = (
            fmean(each.accuracies[seed] for seed in common) for each in kept[label]
        )
        changes.append(change.from_outcomes(label, old_mean, new_mean, tested))
        if len(common) == 1 and tested.value:
            notes[_ONE_SEED] = None
    return changes


def _once(pair: Pair, metric: Metric, why: str) -> Change:
    old, new = pair.old.value(metric.name), pair.new.value(metric.name)
    return change.untested(pair.label, metric, old, new, why)


def _of_trials(pair: Pair, metric: Metric) -> list[Change]:
    old, new = (
        {
            trial.seed: float(value)
            for trial in each.ok
            if (value := trial.metrics.get(metric.name)) is not None and is_number(value)
        }
        for each in (pair.old, pair.new)
    )
    return [change.over_seeds(pair.label, metric, old, new)] if old and new else []


def _timed(
    old: RunData,
    new: RunData,
    pair: Pair,
    metric: Metric,
    timings: Timings,
    notes: dict[str, None],
) -> list[Timed]:
    """One series of a row in both runs; none where it is not compared, and `notes` say why."""
    before, after = pair.old.timing, pair.new.timing
    if before is None or after is None or {before.status, after.status} != {"ok"}:
        return []
    if not (pair.old.has(metric.name) and pair.new.has(metric.name)):
        return []
    then, now = old.times(before, metric.series), new.times(after, metric.series)
    if not then or not now:
        notes["Some raw times were not kept or cannot be read: these times are not compared."] = (
            None
        )
        return []
    sessions = same_machine(
        (old.session(before), old.beside(before)), (new.session(after), new.beside(after)), after
    )
    if sessions.reason and timings == "same":
        notes[f"Timings are not compared: {sessions.reason}. --timings anyway does."] = None
        return []
    if sessions.reason:
        notes[f"Timings are compared although: {sessions.reason}."] = None
    noise = between(
        (old.noise(before, metric.series), then), (new.noise(after, metric.series), now)
    )
    measured = _once(pair, metric, "")
    both = before.session, after.session
    return [Timed(measured, _group(after), both, then, now, noise, sessions.drift)]


def _lost(pair: Pair) -> list[Lost]:
    """The seeds that succeeded and now do not, though they were tried; also the measurement."""
    good = {trial.seed for trial in pair.old.ok}
    bad = [t for t in pair.new.trials if t.seed in good and t.status != "ok"]
    lost = []
    if bad:
        seeds = ", ".join(str(trial.seed) for trial in bad)
        first = bad[0]
        lost.append(Lost(pair.label, f"seed {seeds}: {first.status}: {first.reason}"))
    before, after = pair.old.timing, pair.new.timing
    if pair.new.refuted and not pair.old.refuted:
        lost.append(Lost(pair.label, f"refuted: {pair.new.refuted}"))
    elif before is not None and after is not None and before.status == "ok" != after.status:
        lost.append(Lost(pair.label, f"measurement: {after.status}: {after.reason}"))
    return lost


def _missing(pair: Pair, metrics: Sequence[Metric]) -> list[Missing]:
    """What of `metrics` the new run has no value of, by reason; nothing of a row that is lost."""
    if _lost(pair):
        return []
    reasons: dict[str, list[str]] = {}
    for metric in metrics:
        if pair.old.has(metric.name) and not pair.new.has(metric.name):
            absent = (trial.absent.get(metric.name) for trial in pair.new.ok)
            reason = next(filter(None, absent), "only in the old run")
            reasons.setdefault(reason, []).append(metric.name)
    return [Missing(pair.label, names, reason) for reason, names in reasons.items()]


def _told_of(missing: Sequence[Missing]) -> dict[str, None]:
    """A sentence for the rows that miss the same for the same reason."""
    rows: dict[tuple[str, str], list[str]] = {}
    for each in missing:
        titles = ", ".join(METRICS[name].title for name in each.metrics)
        rows.setdefault((titles, each.reason), []).append(each.row)
    return {
        f"Not compared of {', '.join(names)}: {titles} ({reason}).": None
        for (titles, reason), names in rows.items()
    }
