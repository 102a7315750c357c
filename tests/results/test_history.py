from __future__ import annotations

import pytest

from harness.results.history import history
from harness.runs.compare import run_data
from harness.runs.run import load
from tests.fixtures.small_runs import MACHINE, small_row, small_session, write_run


@pytest.fixture
def runs(tmp_path):
    """Runs of successive commits, made with the changes given for each."""

    def make(*changes):
        made = []
        for place, each in enumerate(changes):
            session = small_session(
                started=f"2026-01-{place + 1:02}T10:00:00+00:00",
                environment={**MACHINE, "commit": f"{place}" * 40},
            )
            fields = {"rows": ("deep", "wide"), "draw": place, "session": session} | each
            made.append(run_data(load(write_run(tmp_path / f"run{place}", **fields).path)))
        return made

    return make


def test_a_step_is_marked_where_it_happens(runs):
    low = {"accuracy": {"deep": 0.9}}
    tracks = history(runs({}, {}, low, low), "test_accuracy")
    assert [track.row for track in tracks] == ["deep", "wide"]
    deep, wide = tracks
    assert [point.step for point in deep.points] == [None, "tie", "worse", "tie"]
    assert [point.commit for point in deep.steps] == ["2" * 10]
    assert deep.steps[0].difference == pytest.approx(-0.05, abs=0.02)
    assert not wide.steps


def test_a_row_that_a_run_lacks_is_compared_with_the_run_before(runs):
    tracks = history(runs({}, {"rows": ("wide",)}, {"accuracy": {"deep": 0.9}}), "test_accuracy")
    deep = next(track for track in tracks if track.row == "deep")
    assert [point.run for point in deep.points] == ["run0", "run2"]
    assert deep.points[1].step == "worse"


def test_timings_of_other_machines_are_points_without_a_step(runs):
    slow = {"slower": {"deep": 2}}
    made = runs({}, {"peak": 0.5e11, **slow}, {"peak": 0.5e11})
    deep = history(made, "latency_ms")[0]
    assert [point.step for point in deep.points] == [None, None, "better"]
    deep = history(made, "latency_ms", "anyway")[0]
    assert deep.points[1].value > 1.5 * deep.points[0].value


def test_a_metric_that_no_run_has_gives_no_track(runs):
    assert history(runs({"timing": False}), "latency_ms") == []


def test_a_step_is_found_where_another_row_changes_the_names(runs):
    rows = ("deep", "wide", small_row("deep", preset="best"))
    tracks = history(runs({}, {"rows": rows, "accuracy": {"deep": 0.8}}), "test_accuracy")
    assert [point.step for point in tracks[0].points] == [None, "worse"]
