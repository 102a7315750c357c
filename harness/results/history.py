"""One metric of every row over many runs, with the runs at which it became better or worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.results.change import Change, Verdict, judged
from harness.results.labels import labels
from harness.results.machines import commit
from harness.results.matching import identity, match
from harness.results.regression import Comparison, RunData, Timings, compare_runs
from harness.results.session import Session
from harness.results.summary import Summary


@dataclass(frozen=True)
class Point:
    """A metric of a row in one run.

    `step` is the verdict against the run before that has the row, None where there is none, or where the
    two cannot be compared. `difference` is that of `Change`.
    """

    run: str
    started: str
    commit: str
    value: float
    low: float | None = None
    high: float | None = None
    step: Verdict | None = None
    difference: float | None = None


@dataclass(frozen=True)
class Track:
    """A row over the runs, the earliest first."""

    row: str
    points: Sequence[Point]

    @property
    def steps(self) -> list[Point]:
        """The points at which the metric became better or worse."""
        return [point for point in self.points if point.step in ("better", "worse")]


@dataclass
class _Trail:
    """A row as it is followed: its summary in each run, and the change that led there."""

    places: list[tuple[int, Summary]] = field(default_factory=list)
    changes: list[Change | None] = field(default_factory=list)


def history(runs: Sequence[RunData], metric: str, timings: Timings = "same") -> list[Track]:
    """The tracks of all rows that have `metric`, over `runs`, the earliest first.

    Each run is compared with the one before it that has the row. The verdicts are corrected for all
    comparisons of the history together.
    """
    trails: list[_Trail] = []
    made: dict[tuple[int, int], Comparison] = {}
    called: dict[tuple[int, int], dict[str, str]] = {}
    for now, run in enumerate(runs):
        left = [row for row in run.rows if row.has(metric)]
        for before in reversed(range(now)):
            ended = {identity(t.places[-1][1].row): t for t in trails if t.places[-1][0] == before}
            pairs = match([trail.places[-1][1] for trail in ended.values()], left).pairs
            if pairs and (before, now) not in made:
                made[before, now] = compare_runs(runs[before], run, timings, [metric])
                both = match(runs[before].rows, run.rows).pairs
                called[before, now] = {identity(pair.new.row): pair.label for pair in both}
            for pair in pairs:
                trail = ended[identity(pair.old.row)]
                changes = made[before, now].changes
                label = called[before, now].get(identity(pair.new.row))
                own_changes = (each for each in changes if each.row == label)
                trail.places.append((now, pair.new))
                trail.changes.append(next(own_changes, None))
                left.remove(pair.new)
        trails += [_Trail([(now, row)], [None]) for row in left]
    return _tracks(runs, trails, metric)


def _tracks(runs: Sequence[RunData], trails: Sequence[_Trail], metric: str) -> list[Track]:
    flat = [change for trail in trails for change in trail.changes if change is not None]
    verdicts = iter(judged(flat))
    names = labels([trail.places[-1][1].row for trail in trails])
    tracks = []
    for name, trail in zip(names, trails, strict=True):
        points = []
        for (place, summary), change in zip(trail.places, trail.changes, strict=True):
            point = _point(runs[place], summary, metric)
            if change is not None:
                verdict = next(verdicts)
                point = replace(point, step=verdict.verdict, difference=verdict.difference)
            points.append(point)
        tracks.append(Track(name, points))
    return tracks


def _point(run: RunData, summary: Summary, metric: str) -> Point:
    cell = summary.cells[metric]
    session = next((s for s in reversed(run.sessions) if s.environment), Session())
    started = run.sessions[0].started if run.sessions else ""
    return Point(run.name, started, commit(session), cell.value, cell.low, cell.high)
