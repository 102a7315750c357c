"""A folder of runs, as one page."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.results.store import RUN
from harness.runs.run import load


def runs_in(folder: Path) -> list[Path]:
    """The runs that lie directly in `folder`; none where it is a run itself."""
    if (folder / RUN).exists() or not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob(f"*/{RUN}"))


def index_runs(folder: Path) -> tuple[Path, int]:
    """Writes the page of the runs in `folder`; the page, and how many runs it names.

    A run that cannot be read is named with the reason.
    """
    from harness.report.index import Entry, entry, write_index

    entries = []
    for path in runs_in(folder):
        try:
            run = load(path)
        except UsageError as error:
            entries.append(Entry(path.name, problem=str(error)))
        else:
            entries.append(entry(path, run.description, run.records, run.answers))
    return write_index(folder, entries), len(entries)
