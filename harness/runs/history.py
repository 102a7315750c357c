"""The history of the runs in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError, unknown
from harness.results.history import Track, history
from harness.results.regression import Timings, compared_metrics
from harness.results.store import RunFolder
from harness.runs.compare import run_data
from harness.runs.index import runs_in
from harness.runs.run import load


@dataclass(frozen=True)
class FolderHistory:
    """The tracks of one metric, and the names of the `others` that could be followed in the same runs."""

    tracks: Sequence[Track]
    others: Sequence[str]


def folder_history(
    folder: str | Path,
    metric: str = "test_accuracy",
    *,
    timings: Timings = "same",
    say: Callable[[str], None] = lambda _: None,
) -> FolderHistory:
    """`metric` of every row over the runs that lie in `folder`, the earliest first.

    `say` is told which runs could not be read. UsageError where there is none, or none with the metric.
    """
    folder = Path(folder)
    paths = runs_in(folder)
    for path in paths:
        with suppress(UsageError):  # runs may declare metrics of their own
            RunFolder(path).description()
    known = [each.name for each in compared_metrics()]
    if metric not in known:
        raise unknown("metric", metric, known, "for --metric")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    runs, others = [], dict.fromkeys(known, False)
    for path in paths:
        try:
            run = load(path)
        except UsageError as error:
            say(str(error))
            continue
        for name in known:
            others[name] |= any(row.has(name) for row in run.rows)
        if any(row.has(metric) for row in run.rows):
            runs.append(run)
    runs.sort(key=lambda run: run.sessions[0].started if run.sessions else "")
    tracks = history([run_data(run) for run in runs], metric, timings)
    names = [name for name, has in others.items() if has and name != metric]
    if not tracks:
        mend = f"they have {', '.join(names)}" if names else "give the folder that runs lie in"
        raise UsageError(f"{folder} holds no run with {metric}: {mend}")
    return FolderHistory(tracks, names)
