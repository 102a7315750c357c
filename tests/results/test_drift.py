from __future__ import annotations

import math

import pytest

from harness.results.drift import LEAST_DRIFT, Drift, drift


def test_the_others_show_what_the_sessions_differ_by():
    assert drift([0.03] * 6, probe=0.001) == Drift(0.03, LEAST_DRIFT)


def test_what_the_others_differ_by_among_themselves_is_its_error():
    others = [0.01, 0.02, 0.03, 0.04, 0.05]
    found = drift(others, probe=0.0)
    assert found.shift == pytest.approx(0.03)
    # by hand: the median distance from the median is 0.01, a standard deviation 1.4826 times that
    error = 0.01 * 1.4826 * math.sqrt(math.pi / 2 / 5)
    assert found.sd == pytest.approx(math.hypot(LEAST_DRIFT, error), rel=1e-4)


def test_a_few_rows_that_have_changed_do_not_move_it():
    assert drift([0.02] * 8 + [0.3] * 4, probe=0.0) == Drift(0.02, LEAST_DRIFT)


@pytest.mark.parametrize("others", [[], [0.03] * 3])
def test_few_others_may_have_changed_themselves_so_the_probe_tells(others):
    assert drift(others, probe=-0.04) == Drift(0.0, 0.04)
    assert drift(others, probe=math.nan) == Drift(0.0, LEAST_DRIFT)


def test_a_change_that_all_share_and_no_session_makes_is_no_drift():
    assert drift([0.12] * 10, probe=0.02) == Drift(0.0, 0.02)
    assert drift([-0.12] * 10, probe=0.0) == Drift(0.0, LEAST_DRIFT)
