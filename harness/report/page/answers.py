"""The first screen's answers: what is most accurate, fastest, cheapest, and what choosing it would lose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import methodcaller

from harness.report import layers
from harness.report.looks import Look, looks
from harness.report.numbers import counted, listed, plain, show
from harness.report.page.columns import holds
from harness.report.pairs import Pair, pair
from harness.report.rows import NetworkRow, interval, ordered_by, overlap
from harness.results.metrics import METRICS
from harness.results.ranking import Ranking
from harness.results.standings import accuracy_differences
from harness.results.summary import Summary

#: More rows than these are counted in a sentence and not named.
MOST_NAMES = 4

ACCURACY, LATENCY, OPERATIONS = "test_accuracy", "latency_ms", "synops_effective"
#: Only a network that spikes has this metric.
SPIKES = "spikes_per_sample"


@dataclass(frozen=True)
class Answer:
    """One question of the first screen: the row that answers it, its number, and what that means."""

    question: str
    name: str
    look: Look
    value: str
    interval: str
    sentences: Sequence[str]

    def __str__(self) -> str:
        value = f"{self.value} {self.interval}".strip()
        return " ".join([f"{self.question}: {self.name}, {value}.", *self.sentences])


def of_networks(rows: Sequence[NetworkRow], ranking: Ranking) -> list[Answer]:
    """The answers that the records support; none without a successful trial."""
    order = ordered_by(rows)
    having = [row for row in rows if order and row.has(order) and not row.refuted]
    if not having:
        return []
    best = having[0]
    question = "Most accurate" if order == ACCURACY else f"Lowest {METRICS[order].title}"
    sentences = [_ties(having, order, ranking)] if len(having) > 1 else []
    answers = [_answer(question, best, order, sentences)]
    if len(having) == 1:
        return answers
    for title, metric in (("Fastest", LATENCY), ("Fewest operations", OPERATIONS)):
        known, by = [row for row in having if holds(row, metric)], methodcaller("value", metric)
        if len(known) > 1:
            answers.append(_least(title, known, metric, best, ranking))
            chosen = min(known, key=by)
            spiking = [row for row in known if row.has(SPIKES)]
            if spiking and not chosen.has(SPIKES):
                spikes = f"{title} of those that spike"
                answers.append(_least(spikes, spiking, metric, best, ranking))
            tied = [row for row in known if row.row.key in ranking.best()]
            if len(tied) > 1 and chosen.row.key not in ranking.best():
                which = f"{title} at the best accuracy"
                if not min(tied, key=by).has(SPIKES) and any(r.has(SPIKES) for r in tied):
                    which += ", of those that spike"
                    tied = [row for row in tied if row.has(SPIKES)]
                answers.append(_least(which, tied, metric, best, ranking))
    return answers


def of_layers(rows: Sequence[Summary]) -> list[Answer]:
    """The fastest framework of the largest layer, for each density of the inputs; none of one alone."""
    answers = []
    comparable = [row for row in rows if layers.comparable(row)]
    names = sorted({row.row.plugin for row in comparable})
    look_of = dict(zip(names, looks(names), strict=True))
    for group in layers.by_density(comparable):
        largest = max(layers.size(row).neurons for row in group)
        same = sorted((r for r in group if layers.size(r).neurons == largest), key=layers.total)
        if len(same) == 1:
            continue
        first = same[0]
        sentences = []
        pairs = {plain(row.row.plugin): _slower_layer(row, first) for row in same[1:]}
        if ties := [name for name, quotient in pairs.items() if quotient.tie]:
            sentences.append(f"{listed(ties, MOST_NAMES)} cannot be told from it.")
        if slower := next(
            ((n, quotient) for n, quotient in pairs.items() if not quotient.tie), None
        ):
            sentences.append(f"The next, {slower[0]}, takes {slower[1].ratio:.3g} times as long.")
        what = layers.density_name(layers.size(first).density)
        text = show(first.cells["total_ms"], "total_ms")
        answers.append(
            Answer(
                f"Fastest layer of {largest} neurons, {what}",
                plain(first.row.plugin),
                look_of[first.row.plugin],
                text.value,
                text.interval,
                sentences,
            )
        )
    return answers


def _slower_layer(row: Summary, first: Summary) -> Pair:
    """What a layer takes over the one with the lowest median."""
    quotient = pair(layers.timing_of(row), layers.timing_of(first), layers.MAIN)
    if quotient is not None:
        return Pair(quotient.ratio, quotient.tie or quotient.ratio <= 1)
    ratio = layers.total(row) / layers.total(first)
    return Pair(ratio, _overlaps(row, first, "total_ms"))


def _answer(question: str, row: NetworkRow, metric: str, sentences: Sequence[str]) -> Answer:
    text = show(row.cells[metric], metric)
    ends = f"{text.interval} a sample".strip() if metric == OPERATIONS else text.interval
    return Answer(question, row.name, row.look, text.value, ends, sentences)


def _least(
    question: str, rows: Sequence[NetworkRow], metric: str, best: NetworkRow, ranking: Ranking
) -> Answer:
    """The row with the least of `metric`, beside the most accurate one, and what choosing it loses."""
    first, *others = sorted(rows, key=methodcaller("value", metric))
    what = "time" if metric == LATENCY else "operations"
    sentences = []
    if first.row.key != best.row.key and holds(best, metric):
        ratio, tie = _ratio(first, best, metric)
        sentences.append(
            f"Its {what} cannot be told from that of {best.name}."
            if tie
            else f"{_times(ratio)} the {what} of {best.name}."
        )
    elif others:
        second = others[0]
        ratio, tie = _ratio(second, first, metric)
        sentences.append(
            f"The next, {second.name}, cannot be told from it."
            if tie
            else f"The next, {second.name}, needs {_times(ratio)} its {what}."
        )
    sentences += _loss(first, best, ranking)
    return _answer(question, first, metric, sentences)


def _times(ratio: float) -> str:
    text = f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"
    return f"{ratio:.4g} times" if text == "1" else f"{text} times"


def _ratio(row: NetworkRow, other: NetworkRow, metric: str) -> Pair:
    """`row` over `other`: times as the rounds of their group tell, all else by the intervals."""
    below = other.value(metric)
    ratio = row.value(metric) / below if below else float("inf")
    if metric == LATENCY and (quotient := pair(row.timing, other.timing, "latency")):
        # Where medians and fastest calls say the opposite, nothing is told.
        return Pair(quotient.ratio, quotient.tie or (quotient.ratio < 1) != (ratio < 1))
    return Pair(ratio, _overlaps(row, other, metric))


def _loss(row: NetworkRow, best: NetworkRow, ranking: Ranking) -> Iterator[str]:
    """What is lost in accuracy by choosing `row` in place of `best`."""
    if row.row.key == best.row.key or not row.has(ACCURACY):
        return
    if row.row.key in ranking.best():
        yield f"Its accuracy, {show(row.cells[ACCURACY], ACCURACY).value}, cannot be told from the best."
        return
    text = f"{100 * (best.value(ACCURACY) - row.value(ACCURACY)):.1f} points"
    if row.outcomes is not None and best.outcomes is not None:
        pair = {best.row.key: best.outcomes, row.row.key: row.outcomes}
        difference = accuracy_differences(pair, best.row.key)[row.row.key]
        if difference.low is not None and difference.high is not None:
            text += f" [{-100 * difference.high:.1f}, {-100 * difference.low:.1f}]"
    yield f"What you lose: {text} of accuracy against {best.name}."


def _ties(rows: Sequence[NetworkRow], order: str, ranking: Ranking) -> str:
    """Which rows cannot be told from the first."""
    best, *others = rows
    if order == ACCURACY and best.row.key in ranking.places:
        ties = [row.name for row in others if row.row.key in ranking.best()]
        if not ties:
            return "Every other row is significantly less accurate."
        if len(ties) == len(others):
            return f"None of the other {counted(len(others), 'row')} can be told from it."
        if len(ties) > MOST_NAMES:
            return f"{len(ties)} of the other {len(others)} rows cannot be told from it."
        return f"{listed(ties)} cannot be told from it."
    if ties := [row.name for row in others if _overlaps(row, best, order)]:
        return (
            f"The intervals of {listed(ties, MOST_NAMES)} overlap with its own: their order may be "
            "chance."
        )
    return "No other row's interval overlaps with its own."


def _overlaps(row: Summary, other: Summary, metric: str) -> bool:
    return overlap(interval(row.cells[metric]), interval(other.cells[metric]))
