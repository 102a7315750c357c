"""Runs on disk, compared: `harness.compare`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.errors import UsageError
from harness.results.asked import asked_trials
from harness.results.regression import Comparison, RunData, Timings, compare_runs
from harness.results.store import COMMANDS, RunFolder
from harness.runs.run import Run, load


def compare(
    old: str | Path | Run, new: str | Path | Run, *, timings: Timings = "same"
) -> Comparison:
    """What became better or worse from the run `old` to the run `new`: as `harness compare`.

    `timings` are compared between sessions of one machine in one state ("same"), of any ("anyway") or
    not ("none"). UsageError where a folder is no run, where both are one, or where the kinds differ.
    """
    if timings not in ("same", "anyway", "none"):
        raise UsageError(f"timings {timings!r}: known: same, anyway, none")
    runs = [run if isinstance(run, Run) else load(run) for run in (old, new)]
    if runs[0].path.resolve() == runs[1].path.resolve():
        raise UsageError(f"{runs[0].path} and {runs[1].path} are one run: give two")
    kinds = [COMMANDS[run.kind] for run in runs]
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{runs[0].path} is a run of {kinds[0]} and {runs[1].path} of {kinds[1]}: give two of one kind"
        )
    comparison = compare_runs(run_data(runs[0]), run_data(runs[1]), timings)
    remarks = [f"Left out: {problem}." for run in runs for problem in run.problems]
    for run in runs:
        trials = sum(record.kind == "trial" for record in run.records)
        if trials < (asked := asked_trials(run.records, run.sessions)):
            remarks.append(
                f"{run.path.name} has {trials} of the {asked} trials that it was asked for."
            )
    return Comparison(**vars(comparison) | {"notes": [*comparison.notes, *remarks]})


def run_data(run: Run) -> RunData:
    """A run as the comparison needs it."""
    folder = RunFolder(run.path)
    name = run.path.name or str(run.path)
    times_of = cache(folder.read_times)
    return RunData(name, run.rows, run.records, run.sessions, run.answers, times_of)
