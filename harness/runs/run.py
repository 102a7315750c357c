"""A run on disk, as Python sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError, unknown
from harness.results.answers import Answers, joined, read_answers
from harness.results.merge import current_of_each
from harness.results.naming import baselines_asked
from harness.results.planned import in_planned_order
from harness.results.record import Record, TrialRecord
from harness.results.session import Session
from harness.results.store import Description, Kind, RunFolder
from harness.results.summary import Summary, summarise
from harness.results.tasks import by_task
from harness.runs.baseline import rebased, rows_named, without_refuted
from harness.runs.folders import check_links
from harness.subjects import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Run:
    """A run on disk: the latest record of each trial and measurement, in the order of the plan.

    `answers` are those of its networks to the test samples of each task, where they were kept; `problems`
    tells what could not be read.
    """

    path: Path
    description: Description
    records: Sequence[Record]
    problems: Sequence[str] = ()
    answers: Mapping[str, Answers] = field(default_factory=dict)

    def __repr__(self) -> str:
        from harness.report.numbers import counted

        measured = [record for record in self.records if record.kind in ("trial", "layer-timing")]
        rows = counted(len({record.row.key for record in measured}), "row")
        trials = sum(record.kind == "trial" for record in measured)
        counts = f"{rows}, {counted(trials, 'trial')}" if self.kind == "networks" else rows
        return f"<Run of {self.kind} in {self.path}: {counts}>"

    @property
    def kind(self) -> Kind:
        """What it compares: networks, or layers."""
        return self.description.kind

    @property
    def sessions(self) -> Sequence[Session]:
        """The commands that were at work on it, the earliest first."""
        return self.description.sessions

    @property
    def rows(self) -> list[Summary]:
        """The rows of the comparison, each metric over its seeds."""
        return summarise(self.records, self.sessions, self.answers)

    @property
    def frame(self) -> pd.DataFrame:
        """One line a trial, with its row's measurement beside its own metrics; or one a layer."""
        from harness.results.frame import records_frame

        return records_frame(self.records)

    @property
    def summary(self) -> pd.DataFrame:
        """One line a row, over its seeds, with intervals."""
        from harness.results.frame import summary_frame

        return summary_frame(self.rows)

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of the terminal, and where the page lies."""
        from html import escape

        from harness.report.notebook import short_table

        table: str = short_table(self.rows).to_html(index=False, border=0)
        return f"{table}<p>{escape(str(self.path / 'report.html'))}</p>"

    def plot(self, figure: str, task: str = "") -> list[Axes]:
        """The axes of a figure of the report, by its name in `figures/`; `.figure` of one shows it.

        A figure shows the rows of one task: in a run of several, `task` says of which. UsageError where
        there is no such figure or task, or no row that it could show.
        """
        from harness.report.notebook import axes_of

        tasks = by_task(self.records)
        if task not in tasks and (task or len(tasks) > 1):
            raise unknown("task", task, tasks, "of the figure")
        own = tasks[task or next(iter(tasks))]
        return axes_of(summarise(own, self.sessions, self.answers), figure)

    def plot_accuracy(self) -> Axes:
        """Test accuracy in %: mean, 95 % interval, and each seed."""
        return self.plot("accuracy")[0]

    def plot_tradeoff(self) -> Axes:
        """Test accuracy in % against effective synaptic operations a sample."""
        return self.plot("tradeoff")[0]

    def plot_latency(self) -> Axes:
        """Latency of one sample in ms: median, interval, 95th percentile."""
        return self.plot("latency")[0]

    def plot_throughput(self) -> Axes:
        """Samples a second: inference filled, training hollow."""
        return self.plot("throughput")[0]

    def plot_sparsity(self) -> Axes:
        """Activation sparsity in %, of the network and of each layer."""
        return self.plot("sparsity")[0]

    def report(
        self,
        beside: Sequence[Run] = (),
        *,
        baseline: str = "",
        figures: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> list[Path]:
        """Rebuilds the tables, the figures and the page from the records; returns what it wrote.

        The trials of the runs `beside` are rows too, except those that this run has itself. Their timings
        are not: only what was timed side by side compares. `baseline` names the row that the others of
        its task are compared with, in place of the one that the run had; UsageError where there is none.
        `say` is told what is being drawn.
        """
        from harness.report.build import build_report

        check_links(self.path)
        sessions, records, problems = list(self.sessions), list(self.records), list(self.problems)
        own = {record.key: record.row for record in self.records if isinstance(record, TrialRecord)}
        rows = {_unswept(row): row for row in own.values()}
        for other in beside:
            for trial in (r for r in other.records if isinstance(r, TrialRecord)):
                row = rows.setdefault(_unswept(trial.row), trial.row)
                update = {"row": row, "session": trial.session + len(sessions)}
                if (taken := trial.model_copy(update=update)).key not in own:
                    records.append(taken)
            place = str(other.path)
            sessions += [s.model_copy(update={"merged_from": place}) for s in other.sessions]
            problems += other.problems
        keys = baselines_asked(self.sessions, own.values())
        if baseline:
            keys = rows_named(baseline, records)
        records = rebased(RunFolder(self.path), records, keys)
        return build_report(
            self.path,
            Description(kind=self.kind, sessions=tuple(sessions)),
            records,
            problems,
            figures=figures,
            say=say,
            beside=[other.path.name for other in beside],
            answers=joined([self.answers, *(other.answers for other in beside)]),
            baselines=keys,
        )


def _unswept(row: Row) -> str:
    """The same for a value that one command gave alone and another in a list."""
    return row.model_copy(update={"swept": {}}).key


def load(path: str | Path, kind: Kind | None = None) -> Run:
    """The run at `path`; UsageError where there is none, of that `kind`, that this version can read."""
    if not isinstance(path, (str, Path)):
        raise UsageError(f"{path!r} is no run: give its folder")
    folder = RunFolder.open(Path(path), kind)
    records, problems = folder.records()
    described = folder.description()
    records = in_planned_order(current_of_each(records, described.sessions), described.sessions)
    records = without_refuted(folder, records)
    answers, unread = read_answers(folder, records)
    return Run(folder.path, described, records, [*problems, *unread], answers)
