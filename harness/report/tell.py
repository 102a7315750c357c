"""What a figure shows of a row, in words: for those who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.report.curves import DENSITY, scalar_names
from harness.report.numbers import percent, plain
from harness.report.rows import Row
from harness.report.tables import COLUMNS

Tell = Callable[[Row], str]


def metric(*names: str) -> Tell:
    """The numbers of `names`, as in the table; the first without its name."""
    by_metric = {column.metric: column for column in COLUMNS}

    def tell(row: Row) -> str:
        found = [by_metric[name] for name in names if row.has(name)]
        texts = [str(column.show(row.summary, column.metric)) for column in found]
        titles = ["" if c.metric == names[0] else f"{c.title} " for c in found]
        return ", ".join(title + text for title, text in zip(titles, texts, strict=True))

    return tell


def steps(row: Row) -> str:
    """The accuracy of the last step, and the step from which on it stands."""
    if not any("accuracy_by_step" in trial.metrics for trial in row.trials):
        return ""
    decided = row.summary.get("decision_step")
    after = "" if decided is None else f", decision step {decided:.3g}"
    return f"{percent(row.summary, 'test_accuracy').value}{after}"


def course(row: Row) -> str:
    """The first and the last mean of each training scalar."""
    names = (name for name in scalar_names([row]) if name != "epoch")
    return _first_to_last(row, (name for name in names if not name.startswith(DENSITY)))


def density(row: Row) -> str:
    """The first and the last activity of each layer, in percent."""
    names = (name for name in scalar_names([row]) if name.startswith(DENSITY))
    return _first_to_last(row, names, 100, " %")


def spikes(row: Row) -> str:
    """How many target spikes were met in the row's first seed, and how many spikes were left over."""
    trials = sorted((t for t in row.trials if t.raster.get("target")), key=lambda trial: trial.seed)
    if not trials:
        return ""
    wanted, sent = (sum(map(len, trials[0].raster.get(name, []))) for name in ("target", "output"))
    return f"{sent} output spikes for {wanted} targets"


def _first_to_last(row: Row, names: Iterable[str], factor: float = 1, unit: str = "") -> str:
    parts = []
    for name in names:
        courses = [[epoch[name] for epoch in t.history if name in epoch] for t in row.trials]
        ends = [(found[0], found[-1]) for found in courses if found]
        first, last = (factor * sum(end) / len(ends) for end in zip(*ends, strict=True))
        parts.append(f"{plain(name.removeprefix(DENSITY))} {first:.3g} to {last:.3g}{unit}")
    return ", ".join(parts)
