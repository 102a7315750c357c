"""Which figures there are: what they show, and of which rows. Their words are in prose.toml."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from harness.report import curves, dots, layers, planes, raster
from harness.report.content import PROSE
from harness.report.numbers import plain, show
from harness.report.panels import best_in_panels
from harness.report.rows import NetworkRow
from harness.report.style import MOST_LINES, Drawn
from harness.results.metrics import METRICS
from harness.results.summary import Summary

R = TypeVar("R")
Shown = Callable[[NetworkRow], bool]
Told = Callable[[NetworkRow], str]

#: As many rows as a figure with a line for each can show, as many small panels, and rows in these.
MOST_ROWS, MOST_PANELS, MOST_IN_PANELS = 40, 14, 30

#: The metric of each kind of task.
ACCURACY, FIT = "test_accuracy", "van_rossum_loss"


@dataclass(frozen=True)
class Drawing(Generic[R]):
    """One figure of the report.

    `has` says whether a row has something to show, `otherwise` why there is no figure where none
    has. `tell` says in words what the figure shows of a row, for those who cannot see it. `best`
    keeps the first of many rows, as many as can be read. `kind` is the metric of the only kind of
    task that has this figure.
    """

    name: str
    draw: Callable[[Sequence[R]], Drawn]
    has: Callable[[R], bool]
    tell: Callable[[R], str]
    best: Callable[[Sequence[R]], Sequence[R]]
    title: str
    caption: str
    otherwise: str
    kind: str = ""


def _first(rows: Sequence[Any]) -> Sequence[Any]:
    return rows[:MOST_ROWS]


def _in_panels(rows: Sequence[NetworkRow]) -> Sequence[NetworkRow]:
    return rows if len(rows) <= MOST_LINES else best_in_panels(rows[:MOST_IN_PANELS], MOST_PANELS)


def _drawing(
    name: str,
    draw: Callable[[Sequence[R]], Drawn],
    shows: tuple[Callable[[R], bool], Callable[[R], str]],
    best: Callable[[Sequence[R]], Sequence[R]] = _first,
) -> Drawing[R]:
    return Drawing(name, draw, *shows, best, **PROSE["figures"][name])


def _measured(*names: str) -> tuple[Shown, Told]:
    """Rows with any of the metrics; their numbers as in the table, the first without its name."""

    def tell(row: NetworkRow) -> str:
        titles = ("", *(f"{METRICS[name].title} " for name in names[1:]))
        return ", ".join(
            f"{title}{show(row.cell(name), name)}"
            for title, name in zip(titles, names, strict=True)
            if row.has(name)
        )

    return lambda row: any(map(row.has, names)), tell


def _scalars(density: bool) -> tuple[Shown, Told]:
    """Rows with training scalars; the first and the last mean of each."""

    def tell(row: NetworkRow) -> str:
        parts = []
        for name in curves.scalars([row], density):
            found = [[epoch[name] for epoch in t.history if name in epoch] for t in row.trials]
            each = [values for values in found if values]
            factor, unit = (100, " %") if density else (1, "")
            first, last = (factor * sum(v[end] for v in each) / len(each) for end in (0, -1))
            parts.append(
                f"{plain(name.removeprefix(curves.DENSITY))} {first:.3g} to {last:.3g}{unit}"
            )
        return ", ".join(parts)

    return lambda row: bool(curves.scalars([row], density)), tell


def _steps(row: NetworkRow) -> str:
    """The accuracy of the last step, and the step from which on it is stable."""
    decided = row.cell("decision_step")
    after = "" if decided is None else f", decision step {decided.value:.3g}"
    return f"{show(row.cell(ACCURACY), ACCURACY).value}{after}"


def _spikes(row: NetworkRow) -> str:
    """How many spikes the row's first seed was to emit, and how many it did."""
    (trial,) = raster.first_trial(row)
    wanted, sent = (sum(map(len, trial.raster.get(name, []))) for name in ("target", "output"))
    return f"{sent} output spikes for {wanted} targets"


def _both(row: NetworkRow) -> bool:
    return all(map(row.has, planes.BOTH)) and row.value("synops_effective") > 0


def _over_time(row: NetworkRow) -> bool:
    return any("accuracy_by_step" in trial.metrics for trial in row.trials)


NETWORKS: tuple[Drawing[NetworkRow], ...] = (
    _drawing("accuracy", dots.accuracy, _measured(ACCURACY)),
    _drawing("fit", dots.fit, _measured(FIT)),
    _drawing("tradeoff", planes.tradeoff, (_both, _measured(*planes.BOTH)[1])),
    _drawing("latency", dots.latency, (_measured("latency_ms")[0], _measured(*dots.LATENCIES)[1])),
    _drawing("throughput", dots.throughput, _measured(*dots.THROUGHPUTS)),
    _drawing("steps", curves.by_step, (_over_time, _steps), _in_panels),
    _drawing(
        "raster", raster.raster, (lambda r: bool(raster.first_trial(r)), _spikes), raster.best
    ),
    _drawing("sparsity", dots.sparsity, _measured("activation_sparsity")),
    _drawing("history", curves.history, _scalars(density=False), _in_panels),
    _drawing("activity", curves.activity, _scalars(density=True), _in_panels),
)

LAYERS: tuple[Drawing[Summary], ...] = (
    _drawing(
        "layers",
        planes.scaling,
        (layers.comparable, lambda row: f"{layers.name(row)} {planes.largest(row)}"),
        lambda rows: rows,
    ),
)
