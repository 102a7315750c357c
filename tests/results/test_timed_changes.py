from __future__ import annotations

import math

import pytest

from harness.results.change import Change, judged
from harness.results.comparison import Noise
from harness.results.timed_changes import Timed, shared, timed_changes

QUIET = Noise(0.01, 20)


def row(name, slower, metric="latency_ms", group="digits", sessions=(0, 0)):
    """A row whose time is multiplied by `slower` in the new session."""
    old = [[1e-3] * 3] * 12
    new = [[1e-3 * slower] * 3] * 12
    return Timed(Change(name, metric, 1.0, slower, 0.0), group, sessions, old, new, QUIET, 0.0)


def verdicts(rows):
    return [change.verdict for change in judged(timed_changes(rows))]


def test_a_row_is_held_against_what_the_others_changed_by():
    """The machine was 4 % slower, which would hide that one row was mended and claim that others broke."""
    rows = [row(str(place), 1.04) for place in range(9)] + [row("changed", 0.94)]
    changes = timed_changes(rows)
    assert changes[0].difference == pytest.approx(0.0)
    assert changes[-1].difference == pytest.approx(0.94 / 1.04 - 1)
    assert verdicts(rows) == ["tie"] * 9 + ["better"]
    assert changes[-1].kind.endswith("the other rows +4.0 %")


def test_a_rate_falls_by_what_time_rises():
    rows = [row(str(place), 1.04, "train_throughput") for place in range(9)]
    changes = timed_changes([*rows, row("changed", 1.144, "train_throughput")])
    assert changes[-1].difference == pytest.approx(1 / 1.1 - 1)


def test_what_slows_all_rows_by_far_is_no_drift_of_a_session():
    assert verdicts([row(str(place), 1.12) for place in range(10)]) == ["worse"] * 10


@pytest.mark.parametrize(
    "elsewhere",
    [{"metric": "inference_throughput"}, {"group": "mnist"}, {"sessions": (0, 1)}],
    ids=["metric", "group", "sessions of a merged run"],
)
def test_only_rows_that_were_measured_side_by_side_tell(elsewhere):
    others = [row(str(place), 1.03, **elsewhere) for place in range(5)]
    assert timed_changes([row("one", 1.04), *others])[0].difference == pytest.approx(0.04)


def test_a_row_tells_nothing_of_its_own_drift():
    rows = [row("a", 1.04), *(row(str(place), 0.99 + place / 100) for place in range(4))]
    # the median of the four others is 1.005, that of all five 1.01
    expected = 1.04 / math.sqrt(1.0 * 1.01) - 1
    assert timed_changes(rows)[0].difference == pytest.approx(expected)


def test_what_all_rows_share_is_told_once_for_each_metric():
    slower = [row(str(place), 1.04) for place in range(6)]
    steady = [row(str(place), 1.0, "train_throughput") for place in range(6)]
    assert list(shared([*slower, *steady])) == [
        "Latency, digits: the rows took 1.04 times as long as in the old run (median);"
        " a row's difference is what it has beyond that."
    ]
    (by_far,) = shared([row(str(place), 1.12) for place in range(6)])
    assert by_far.endswith("so it counts for each row.")
    assert not list(shared([row(str(place), 1.04) for place in range(3)])), "few rows share nothing"
