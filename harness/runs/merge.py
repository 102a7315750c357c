"""Runs put together into one: `harness.merge`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config.options import LayersConfig, RunConfig, make_config
from harness.config.paths import located_options, start_folder
from harness.errors import UsageError
from harness.results.matching import identity
from harness.results.merge import Part, merged, unified, write
from harness.results.naming import rows_named
from harness.results.record import Record, TrialRecord
from harness.results.session import Session
from harness.results.store import RunFolder
from harness.runs.run import Run, load


def merge(
    folders: Sequence[str | Path],
    out: str | Path,
    *,
    command: str = "",
    report: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Puts the runs in `folders` together in the new folder `out`, and writes its report.

    The same rows become one with all their seeds; rows of other code or parameters stay apart. `say` is
    told what was left out. UsageError where two runs contradict each other, or differ in their data.
    """
    paths = list({path.resolve(): path for path in map(Path, folders)}.values())
    if len(paths) < 2:
        raise UsageError("give two runs or more to merge, each of them once")
    out = Path(out)
    RunFolder.check_free(out)
    parts = [Part.read(path) for path in paths]
    session, remarks = _session(parts, command, out)
    made = merged(parts, session.config.get("params"))
    asked = str(session.config.get("baseline", ""))
    if _names_several(asked, [record for _, record in made.records]):
        remarks.append(f"--baseline {asked!r} names several rows now: it is not kept")
        session.config["baseline"] = ""
    for line in (*(problem for part in parts for problem in part.problems), *made.notes, *remarks):
        say(line)
    existed = out.exists()
    folder = RunFolder.create(out, parts[0].description.kind)
    try:
        with folder.locked():
            write(folder, made, session)
    except BaseException:  # half a merged run would look like a whole one
        shutil.rmtree(out, ignore_errors=True)
        if existed:
            out.mkdir(exist_ok=True)
        raise
    run = load(out)
    if report:
        run.report()
    return run


def _session(parts: Sequence[Part], command: str, out: Path) -> tuple[Session, list[str]]:
    """The session of the merge, from which the merged run is resumed, and what to know about that."""
    last = [part.sessions[-1] for part in parts]
    try:
        config, left = unified([_from_here(part) for part in parts])
    except (AttributeError, TypeError) as error:
        for part in parts:  # which, and what of it
            _check_config(part)
        raise UsageError(f"the configurations in run.json do not go together: {error}") from None
    remarks = []
    if left:
        remarks.append(
            f"the runs differ in {', '.join(left)}: resuming continues with that of {parts[-1].folder.path}"
        )
    if any(session.host != last[-1].host for session in last):
        remarks.append(
            "the runs are of several versions of the harness or of torch: their rows stay apart, and "
            f"resuming continues with those of {parts[-1].folder.path}"
        )
    if any(session.metrics != last[-1].metrics for session in last):
        remarks.append("the runs differ in their metrics by hook: a trial has those of its own run")
    metrics = {metric.name: metric for session in last for metric in session.metrics}
    return (
        Session(
            command=command,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            config=config,
            folder=start_folder(out),
            host=last[-1].host,
            plugins={name: facts for each in last for name, facts in each.plugins.items()},
            metrics=tuple(metrics.values()),
            files={name: digest for each in last for name, digest in each.files.items()},
            data=next((session.data for session in reversed(last) if session.data), {}),
            rows=tuple(dict.fromkeys(key for session in last for key in session.rows)),
        ),
        remarks,
    )


def _from_here(part: Part) -> dict[str, Any]:
    """What the last session of `part` asked for, its paths relative to the current folder."""
    session = part.sessions[-1]
    begun = part.folder.path.resolve() / session.folder
    return located_options(session.config, Path(os.path.relpath(begun)) if session.folder else None)


def _names_several(text: str, records: Iterable[Record]) -> bool:
    """Whether --baseline `text` names several rows of one task, whatever version they are of."""
    rows = [record.row for record in records if isinstance(record, TrialRecord)]
    named = {(row.task, identity(row)) for row in rows_named(text, rows)}
    return len(named) > len({task for task, _ in named})


def _check_config(part: Part) -> None:
    kind = RunConfig if part.description.kind == "networks" else LayersConfig
    try:
        make_config(kind, part.sessions[-1].config)
    except UsageError as error:
        raise UsageError(f"{part.folder.path / 'run.json'} is damaged: {error}") from None
