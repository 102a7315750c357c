"""The sentences that close a run in the terminal: what is most accurate, what is faster or slower."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.report import layers
from harness.report.content import PROSE
from harness.report.environment import other_programs
from harness.report.numbers import listed, plain, show
from harness.report.rows import NetworkRow, network_rows, ordered_by, overlap, shown_name
from harness.report.trust import baseline_remarks
from harness.report.versus import Timing, timings, versus
from harness.report.words import unequal_steps
from harness.results.answers import Answers
from harness.results.metrics import METRICS
from harness.results.ranking import Ranking, rank
from harness.results.record import LayerTiming, NetworkTiming, Record, latest
from harness.results.session import Session
from harness.results.summary import summarise
from harness.results.tasks import by_task

#: More rows than these are counted in a sentence and not named.
MOST_NAMES = 6
#: In the sentence on steps, which names all rows.
MOST_OF_STEPS = 2


def closing_lines(
    records: Sequence[Record],
    sessions: Sequence[Session] = (),
    answers: Mapping[str, Answers] | None = None,
) -> list[str]:
    """What the records support, in plain sentences; none where there is nothing to compare.

    Of several tasks, each line begins with its own.
    """
    tasks = by_task(latest(list(records)))
    lines = [
        f"{plain(task)}: {line}" if len(tasks) > 1 else line
        for task, own in tasks.items()
        for line in _of_task(own, sessions, answers)
    ]
    return [*lines, *other_programs(sessions, records)]


def _of_task(
    records: Sequence[Record], sessions: Sequence[Session], answers: Mapping[str, Answers] | None
) -> list[str]:
    summaries = summarise(records, sessions, answers)
    labels = {summary.row.key: shown_name(summary) for summary in summaries}
    refuted = {summary.row.key for summary in summaries if summary.refuted}
    timed = [record for record in timings(records) if record.row.key not in refuted]
    rows = network_rows(summaries)
    lines = [*_best([row for row in rows if not row.refuted], rank(summaries))]
    lines += [f"Baseline: {remark}." for remark in baseline_remarks(timed)]
    networks = [record for record in timed if isinstance(record, NetworkTiming)]
    for name in ("latency", "inference", "train"):
        lines += _verdicts(networks, name, labels, PROSE["series"][name].partition(",")[0])
    sizes: dict[str, list[Timing]] = {}
    for record in timed:
        if isinstance(record, LayerTiming):
            labels[record.row.key] = plain(record.row.plugin)
            size = record.row.size
            what = f"{size.neurons} neurons, {layers.density_name(size.density)}"
            sizes.setdefault(what, []).append(record)
    for what, group in sizes.items():
        lines += _verdicts(group, layers.MAIN, labels, what)
    steps = unequal_steps([row for row in rows if not row.refuted], MOST_OF_STEPS)
    return [*lines, *([steps] if steps else []), *_doubts(rows)]


def _best(rows: Sequence[NetworkRow], ranking: Ranking) -> Iterator[str]:
    """The first row by the metric that orders them, and which rows cannot be told from it."""
    name = ordered_by(rows)
    having = [row for row in rows if name and row.has(name)]
    if len(having) < 2:
        return
    metric, (best, *others) = METRICS[name], having
    which = "Highest" if metric.better == "more" else "Lowest"
    title = metric.title if name == "van_rossum_loss" else metric.title.lower()
    if name == "test_accuracy" and best.row.key in ranking.places:
        near = [row.name for row in others if row.row.key in ranking.best()]
        remark = f" Not to be told from it, all pairs of rows compared: {listed(near, MOST_NAMES)}."
    else:
        # A number without an interval is its own.
        first, *ends = (row.ends(name) or (row.value(name),) * 2 for row in having)
        near = [r.name for r, end in zip(others, ends, strict=True) if overlap(first, end)]
        names = listed(near, MOST_NAMES)
        remark = f" The intervals of {names} overlap with it: their order may be chance."
    sentence = f"{which} {title}: {best.name}, {show(best.cells.get(name), name)}."
    yield sentence + (remark if near else "")


def _doubts(rows: Sequence[NetworkRow]) -> Iterator[str]:
    """`Refuted, and not ranked: NAME: why.`, and the warnings of each row."""
    for row in rows:
        if row.refuted:
            yield f"Refuted, and not ranked: {plain(row.label)}: {row.refuted}."
    for row in rows:
        if row.warnings:
            sentence = f"Warning: {row.name}: {'; '.join(row.warnings.values())}"
            yield sentence if sentence.endswith("?") else f"{sentence}."


def _verdicts(
    timed: Sequence[Timing], series: str, names: Mapping[str, str], what: str
) -> Iterator[str]:
    """`Latency, compared with NAME: faster: a, b; slower: c; a tie: d.`"""
    compared = [(r, comparison.verdict) for r in timed if (comparison := versus(r, series))]
    parts = []
    for verdict, word in (("faster", "faster"), ("slower", "slower"), ("tie", "a tie")):
        if rows := [names[record.row.key] for record, its in compared if its == verdict]:
            parts.append(f"{word}: {listed(rows, MOST_NAMES)}")
    if compared:
        baseline = names.get(compared[-1][0].baseline, "the baseline")
        yield f"{what}, compared with {baseline}: {'; '.join(parts)}."
