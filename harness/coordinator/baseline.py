"""What timings are compared with: a row that is asked for, and never one that is refuted.

Another baseline than the one that a group had is computed from the raw times, which the run keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.results.caveats import refuted_rows
from harness.results.labels import labels
from harness.results.naming import baselines_named
from harness.results.record import BASELINE, NetworkTiming, Record, Series, TrialRecord, Variant
from harness.results.store import RunFolder
from harness.results.timings import compare

Group = Mapping[str, NetworkTiming]
"""The measurements of one session and task that succeeded, by the keys of their rows."""


def rows_named(text: str, records: Sequence[Record]) -> list[str]:
    """The key of the row of each task that `text` names, as --baseline does; UsageError as there."""
    found = baselines_named(text, [r.row for r in records if isinstance(r, TrialRecord)])
    refuted = refuted_rows(records)
    if reason := next((refuted[row.key] for row in found if row.key in refuted), ""):
        raise UsageError(f"--baseline {text}: the row is refuted ({reason}): name another one")
    return [row.key for row in found]


def rebased(folder: RunFolder, records: Sequence[Record], baseline: str) -> list[Record]:
    """`records`, with the rows of each measurement group compared with the row of key `baseline`.

    Groups in which that row was not measured stay as they are. UsageError where the raw times of a row
    of the others cannot be read.
    """
    changed: dict[str, Record] = {}
    refuted = refuted_rows(records)
    for group in _groups(records):
        if baseline not in group:
            continue
        try:
            series = _series(folder, group, baseline, refuted)
        except ValueError as error:
            raise UsageError(f"--baseline needs the raw times of every row: {error}") from None
        for key, record in group.items():
            facts = {name: fact for name, fact in record.facts.items() if name != BASELINE}
            update = {"series": series[key], "baseline": baseline, "facts": facts}
            changed[record.key] = record.model_copy(update=update)
    return _replaced(records, changed)


def without_refuted(folder: RunFolder, records: Sequence[Record]) -> list[Record]:
    """`records`, in which no time is compared with one of a refuted row, nor one of such a row.

    A group whose baseline is refuted is compared with its first row that holds, and with none where the
    raw times cannot be read; the fact `baseline` of its records says so.
    """
    refuted = refuted_rows(records)
    if not refuted:
        return list(records)
    names = _names(records)
    changed: dict[str, Record] = {}
    for group in _groups(records):
        series = {key: record.series for key, record in group.items()}
        baseline = next(iter(group.values())).baseline
        fact = {}
        if baseline in refuted:
            told = f"{names.get(baseline, baseline)}, the baseline, is refuted"
            baseline, series, instead = _another(folder, group, refuted)
            instead = names.get(baseline, instead)
            fact = {BASELINE: f"{told}: times are compared with {instead}"}
        for key, record in group.items():
            update: dict[str, Any] = {"baseline": baseline, "facts": {**record.facts, **fact}}
            update["series"] = _uncompared(series[key]) if key in refuted else series[key]
            if key in refuted:
                alone = {name: _alone(variant) for name, variant in record.variants.items()}
                update["variants"] = alone
            changed[record.key] = record.model_copy(update=update)
    return _replaced(records, changed)


def _another(
    folder: RunFolder, group: Group, refuted: Mapping[str, str]
) -> tuple[str, dict[str, dict[str, Series]], str]:
    """The first row of a group that holds, the series compared with it, and why there is none."""
    alone = {key: _uncompared(record.series) for key, record in group.items()}
    baseline = next((key for key in group if key not in refuted), "")
    if not baseline:
        return "", alone, "no row"
    try:
        return baseline, _series(folder, group, baseline, refuted), ""
    except ValueError as error:
        return "", alone, f"no row, since the raw times cannot be read ({error})"


def _groups(records: Iterable[Record]) -> list[Group]:
    groups: dict[tuple[int, str], dict[str, NetworkTiming]] = {}
    for record in records:
        if isinstance(record, NetworkTiming) and record.status == "ok":
            groups.setdefault((record.session, record.row.task), {})[record.row.key] = record
    return list(groups.values())


def _series(
    folder: RunFolder, group: Group, baseline: str, refuted: Mapping[str, str]
) -> dict[str, dict[str, Series]]:
    """The series of a group, compared with `baseline`; ValueError where raw times cannot be read."""
    times = {key: folder.read_times(record.key) for key, record in group.items()}
    return compare(
        {key: taken.seconds for key, taken in times.items()},
        {key: taken.batches for key, taken in times.items()},
        baseline,
        group.keys() - refuted.keys(),
    )


def _uncompared(series: Mapping[str, Series]) -> dict[str, Series]:
    return {name: each.model_copy(update={"versus": None}) for name, each in series.items()}


def _alone(variant: Variant) -> Variant:
    return variant.model_copy(update={"series": _uncompared(variant.series)})


def _replaced(records: Sequence[Record], changed: Mapping[str, Record]) -> list[Record]:
    return [
        changed.get(record.key, record) if isinstance(record, NetworkTiming) else record
        for record in records
    ]


def _names(records: Sequence[Record]) -> dict[str, str]:
    """The rows' names for people, by their keys."""
    rows = {r.row.key: r.row for r in records if isinstance(r, (TrialRecord, NetworkTiming))}
    return dict(zip(rows, labels(list(rows.values())), strict=True))
