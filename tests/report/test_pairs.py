from __future__ import annotations

import pytest

from harness.report.pairs import pair
from harness.results.fields import Outliers, Series, Versus

CALLS = Outliers(count=0, calls=9, slowest=1.0)


@pytest.fixture
def timed(make_record):
    """The measurement of a plugin whose latency is `ratio` times the baseline's, by `spread`."""

    def make(plugin, ratio=None, spread=1.02, verdict="slower", floor=0.02, **changes):
        versus = None
        if ratio is not None:
            interval = {"low": ratio / spread, "high": ratio * spread} if spread else {}
            versus = Versus(ratio=ratio, p=0.01, verdict=verdict, **interval)
        series = Series(batch=1, rounds=12, outliers=CALLS, versus=versus, noise_floor=floor)
        baseline = make_record(plugin="base").row.key
        changes = {"baseline": baseline, "series": {"latency": series}} | changes
        return make_record("network-timing", plugin=plugin, **changes)

    return make


@pytest.mark.parametrize(
    ("ours", "theirs", "ratio", "tie"),
    [
        ((2.0,), (1.0,), 2.0, False),
        ((1.0,), (2.0,), 0.5, False),
        ((1.01,), (1.0,), 1.01, True),  # within the noise floor
        ((2.0, 3.0), (1.0,), 2.0, True),  # within what an unsteady row may differ by
        ((2.0,), (1.0, 3.0), 2.0, True),
        ((2.0, None), (1.0, None), 2.0, True),  # nothing is known of the noise
    ],
)
def test_two_rows_are_compared_by_what_both_take_over_the_baseline(timed, ours, theirs, ratio, tie):
    found = pair(timed("a", *ours), timed("b", *theirs), "latency")
    assert found == (pytest.approx(ratio), tie)


@pytest.mark.parametrize("verdict", ["slower", "tie"])
def test_beside_the_baseline_the_verdict_is_that_of_the_group(timed, verdict):
    one, base = timed("a", 1.5, verdict=verdict), timed("base")
    assert pair(one, base, "latency") == (pytest.approx(1.5), verdict == "tie")
    assert pair(base, one, "latency") == (pytest.approx(1 / 1.5), verdict == "tie")


def test_rows_of_two_groups_are_not_compared(timed):
    one = timed("a", 2.0)
    assert pair(one, timed("b", 1.0, session=1), "latency") is None
    assert pair(one, timed("b", 1.0, baseline="another"), "latency") is None
    assert pair(timed("a", baseline=""), timed("b", baseline=""), "latency") is None
    assert pair(one, timed("b"), "latency") is None
    assert pair(one, timed("b", 1.0), "train") is None
