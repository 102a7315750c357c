"""Another baseline for a run that is measured: from the raw times, which the run keeps."""

from __future__ import annotations

from collections.abc import Sequence

from harness.coordinator.plan import names_row
from harness.errors import UsageError, unknown
from harness.results.record import NetworkTiming, Record, TrialRecord
from harness.results.store import RunFolder
from harness.results.timings import compare


def rows_named(text: str, records: Sequence[Record]) -> list[str]:
    """The key of the row of each task that `text` names, as --baseline does; UsageError without any."""
    rows = [record.row for record in records if isinstance(record, TrialRecord)]
    found = {row.task: row.key for row in reversed(rows) if names_row(text, row)}
    if not found:
        raise unknown("row for --baseline", text, dict.fromkeys(row.plugin for row in rows))
    return list(found.values())


def rebased(folder: RunFolder, records: Sequence[Record], baseline: str) -> list[Record]:
    """`records`, with the rows of its measurement groups compared with the row of key `baseline`.

    Groups in which that row was not measured stay as they are. UsageError where the raw times of a row
    of the others cannot be read.
    """
    groups: dict[tuple[int, str], dict[str, NetworkTiming]] = {}
    for record in records:
        if isinstance(record, NetworkTiming) and record.status == "ok":
            groups.setdefault((record.session, record.row.task), {})[record.row.key] = record
    changed: dict[str, Record] = {}
    for group in groups.values():
        if baseline not in group:
            continue
        try:
            times = {key: folder.read_times(record.key) for key, record in group.items()}
            series = compare(
                {key: taken.seconds for key, taken in times.items()},
                {key: taken.batches for key, taken in times.items()},
                baseline,
            )
        except ValueError as error:
            raise UsageError(f"--baseline needs the raw times of every row: {error}") from None
        for key, record in group.items():
            update = {"series": series[key], "baseline": baseline}
            changed[record.key] = record.model_copy(update=update)
    return [
        changed.get(record.key, record) if isinstance(record, NetworkTiming) else record
        for record in records
    ]
