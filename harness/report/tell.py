"""What a figure shows of a row, in words: for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.report.curves import DENSITY, scalar_names
from harness.report.numbers import plain, show
from harness.report.raster import first_trial
from harness.report.rows import NetworkRow
from harness.results.metrics import METRICS

Tell = Callable[[NetworkRow], str]


def metric(*names: str) -> Tell:
    """The numbers of `names`, as in the table; the first without its name."""

    def tell(row: NetworkRow) -> str:
        parts = []
        for name in names:
            if row.has(name):
                title = "" if name == names[0] else f"{METRICS[name].title} "
                parts.append(f"{title}{show(row.cell(name), name)}")
        return ", ".join(parts)

    return tell


def steps(row: NetworkRow) -> str:
    """The accuracy of the last step, and the step from which on it is stable."""
    decided = row.cell("decision_step")
    after = "" if decided is None else f", decision step {decided.value:.3g}"
    return f"{show(row.cell('test_accuracy'), 'test_accuracy').value}{after}"


def course(row: NetworkRow) -> str:
    """The first and the last mean of each training scalar."""
    names = (name for name in scalar_names([row]) if name != "epoch")
    return _first_to_last(row, (name for name in names if not name.startswith(DENSITY)))


def density(row: NetworkRow) -> str:
    """The first and the last activity of each layer, in percent."""
    names = (name for name in scalar_names([row]) if name.startswith(DENSITY))
    return _first_to_last(row, names, 100, " %")


def spikes(row: NetworkRow) -> str:
    """How many spikes the row's first seed was to emit, and how many it did."""
    (trial,) = first_trial(row)
    wanted, sent = (sum(map(len, trial.raster.get(name, []))) for name in ("target", "output"))
    return f"{sent} output spikes for {wanted} targets"


def _first_to_last(row: NetworkRow, names: Iterable[str], factor: float = 1, unit: str = "") -> str:
    parts = []
    for name in names:
        courses = [[epoch[name] for epoch in t.history if name in epoch] for t in row.trials]
        ends = [(values[0], values[-1]) for values in courses if values]
        first, last = (factor * sum(end) / len(ends) for end in zip(*ends, strict=True))
        parts.append(f"{plain(name.removeprefix(DENSITY))} {first:.3g} to {last:.3g}{unit}")
    return ", ".join(parts)
