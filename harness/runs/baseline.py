"""What timings are compared with: a row that is asked for, and never one that is refuted.

A report compares the raw times anew, which the run keeps: so all its verdicts are by one version's rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from harness.errors import UsageError
from harness.results.caveats import refuted_rows
from harness.results.labels import labels
from harness.results.naming import baselines_named
from harness.results.record import (
    BASELINE,
    LayerTiming,
    NetworkTiming,
    Record,
    Series,
    TrialRecord,
    Variant,
)
from harness.results.store import RunFolder, Times
from harness.results.timings import RECORDED, compare

Timing = NetworkTiming | LayerTiming

Group = Mapping[str, Timing]
"""The measurements of one session, and of one task or size, that have times, by the keys of their rows."""


def rows_named(text: str, records: Sequence[Record]) -> list[str]:
    """The key of the row of each task that `text` names, as --baseline does; UsageError as there."""
    rows = baselines_named(text, [r.row for r in records if isinstance(r, TrialRecord)])
    refuted = refuted_rows(records)
    if reason := next((refuted[row.key] for row in rows if row.key in refuted), ""):
        raise UsageError(f"--baseline {text}: the row is refuted ({reason}): name another one")
    return [row.key for row in rows]


def rebased(
    folder: RunFolder, records: Sequence[Record], baselines: Collection[str] = ()
) -> list[Record]:
    """`records`, with the rows of each measurement group compared anew, from their raw times.

    They are compared with the one of the keys `baselines` that was measured in their group, else with the
    baseline that they had. A group whose raw times cannot be read stays as it was recorded, and the fact
    `recorded` of its records says why; UsageError where one of `baselines` was asked for.
    """
    changed: dict[str, Record] = {}
    refuted, names = refuted_rows(records), _names(records)
    for group in _groups(records):
        recorded = next(iter(group.values())).baseline
        baseline = next((key for key in baselines if key in group), recorded)
        facts: dict[str, str] = {}
        try:
            if baseline and baseline not in group:
                raise ValueError(
                    "the baseline was measured in another session, or has no times now"
                )
            taken = _taken(folder, group)
            series = _series(taken, group, baseline, refuted)
        except ValueError as error:
            if baseline != recorded:
                raise UsageError(f"--baseline needs the raw times of every row: {error}") from None
            taken, series = {}, {}
            if any(each.versus for record in group.values() for each in record.series.values()):
                facts = {RECORDED: str(error)}
        if baseline != recorded:
            own = names.get(recorded, "none")
            facts = {BASELINE: f"{names[baseline]}, chosen for this report; that of the run: {own}"}
        for key, record in group.items():
            kept = {n: f for n, f in record.facts.items() if baseline == recorded or n != BASELINE}
            update: dict[str, Any] = {"baseline": baseline, "facts": {**kept, **facts}}
            update["series"] = series.get(key, record.series)
            if isinstance(record, NetworkTiming) and key not in refuted:
                update["variants"] = _variants(record, taken)
            changed[f"{record.kind} {record.key}"] = record.model_copy(update=update)
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
            reason = f"{names.get(baseline, baseline)}, the baseline, is refuted"
            baseline, series, instead = _another(folder, group, refuted)
            instead = names.get(baseline, instead)
            fact = {BASELINE: f"{reason}: times are compared with {instead}"}
        for key, record in group.items():
            update: dict[str, Any] = {"baseline": baseline, "facts": {**record.facts, **fact}}
            update["series"] = _uncompared(series[key]) if key in refuted else series[key]
            if key in refuted and isinstance(record, NetworkTiming):
                update["variants"] = {
                    name: variant.model_copy(update={"series": _uncompared(variant.series)})
                    for name, variant in record.variants.items()
                }
            changed[f"{record.kind} {record.key}"] = record.model_copy(update=update)
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
        return baseline, _series(_taken(folder, group), group, baseline, refuted), ""
    except ValueError as error:
        return "", alone, f"no row, since the raw times cannot be read ({error})"


def _groups(records: Iterable[Record]) -> list[Group]:
    """Those of networks by task, those of layers by size.

    A layer that was refused for its outputs alone was timed with the others, and tells of their noise.
    """
    groups: dict[tuple[int, str], dict[str, Timing]] = {}
    for record in records:
        if isinstance(record, NetworkTiming) and record.status == "ok":
            groups.setdefault((record.session, record.row.task), {})[record.row.key] = record
        elif isinstance(record, LayerTiming) and record.series:
            size = record.row.size.model_dump_json()
            groups.setdefault((record.session, size), {})[record.row.key] = record
    return list(groups.values())


def _taken(folder: RunFolder, group: Group) -> dict[str, Times]:
    """The raw times of the rows by their keys; ValueError where some cannot be read.

    Those of variants, by `KEY-VARIANT`, only where they can.
    """
    taken = {key: folder.read_times(record.key) for key, record in group.items()}
    for key, record in group.items():
        for name, variant in record.variants.items() if isinstance(record, NetworkTiming) else ():
            if variant.status == "ok":
                with suppress(ValueError):
                    taken[f"{key}-{name}"] = folder.read_times(f"{record.key}-{name}")
    return taken


def _series(
    taken: Mapping[str, Times], group: Group, baseline: str, refuted: Mapping[str, str]
) -> dict[str, dict[str, Series]]:
    """The series of a group, compared with `baseline`."""
    comparable = {
        key
        for key, record in group.items()
        if key not in refuted and (isinstance(record, NetworkTiming) or record.equal)
    }
    return _compared(taken, baseline, comparable)


def _compared(
    taken: Mapping[str, Times], baseline: str, comparable: Collection[str]
) -> dict[str, dict[str, Series]]:
    times = {key: each.seconds for key, each in taken.items()}
    return compare(times, {key: each.batches for key, each in taken.items()}, baseline, comparable)


def _variants(record: NetworkTiming, taken: Mapping[str, Times]) -> dict[str, Variant]:
    """Its variants, each compared with the eager network, by the noise of the two."""
    row, changed = record.row.key, dict(record.variants)
    for name, variant in record.variants.items():
        key = f"{row}-{name}"
        if key in taken:
            series = _compared({row: taken[row], key: taken[key]}, row, {key})[key]
            changed[name] = variant.model_copy(update={"series": series})
    return changed


def _uncompared(series: Mapping[str, Series]) -> dict[str, Series]:
    return {name: each.model_copy(update={"versus": None}) for name, each in series.items()}


def _replaced(records: Sequence[Record], changed: Mapping[str, Record]) -> list[Record]:
    return [changed.get(f"{record.kind} {record.key}", record) for record in records]


def _names(records: Sequence[Record]) -> dict[str, str]:
    """The rows' names for people, by their keys."""
    rows = {r.row.key: r.row for r in records if isinstance(r, (TrialRecord, NetworkTiming))}
    return dict(zip(rows, labels(list(rows.values())), strict=True))
