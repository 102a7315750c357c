from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from harness.results.change import Change, judged, over_rounds, over_seeds
from harness.results.comparison import Noise
from harness.results.drift import Drift
from harness.results.metrics import METRICS

SPARSITY, OPS, SIZE = (
    METRICS[n] for n in ("activation_sparsity", "synops_effective", "parameters")
)
LATENCY, RATE = (Change("row", n, 1.0, 2.0, 1.0) for n in ("latency_ms", "inference_throughput"))
QUIET, STEADY = Noise(0.01, 20), Drift(0.0, 0.01)


def test_common_seeds_are_paired_by_the_t_test():
    old, new = {0: 0.50, 1: 0.60, 2: 0.70, 9: 0.1}, {0: 0.52, 1: 0.63, 2: 0.71}
    change = over_seeds("row", SPARSITY, old, new)
    expected = stats.ttest_rel([0.52, 0.63, 0.71], [0.50, 0.60, 0.70])
    interval = expected.confidence_interval(0.95)
    assert change.p == pytest.approx(expected.pvalue)
    assert (change.low, change.high) == pytest.approx((interval.low, interval.high))
    assert change.difference == pytest.approx(0.02)
    assert not change.relative
    assert change.kind == "paired, 3 seeds"


def test_other_seeds_are_compared_by_welchs_test_as_a_share_of_the_old_value():
    old, new = [100.0, 120.0, 110.0], [200.0, 205.0]
    change = over_seeds("row", OPS, dict(enumerate(old)), {7: new[0], 8: new[1]})
    expected = stats.ttest_ind(new, old, equal_var=False)
    assert change.p == pytest.approx(expected.pvalue)
    assert change.low == pytest.approx(expected.confidence_interval().low / 110)
    assert change.difference == pytest.approx(202.5 / 110 - 1)
    assert change.relative
    assert change.kind == "unpaired, 3 and 2 seeds"


def test_one_seed_is_not_tested_but_what_is_equal_is_a_tie():
    one = over_seeds("row", SPARSITY, {0: 0.5}, {0: 0.6})
    same = over_seeds("row", SPARSITY, {0: 0.5}, {0: 0.5})
    assert [each.verdict for each in judged([one, same])] == ["untested", "tie"]


def test_a_size_is_exact():
    bigger = over_seeds("row", SIZE, {0: 1000}, {0: 1100})
    (change,) = judged([bigger])
    assert (change.verdict, change.kind) == ("worse", "exact")
    assert change.difference == pytest.approx(0.1)


def test_a_difference_that_all_seeds_share_is_not_certain():
    """The t test would claim certainty; three equal signs are chance in a quarter of the cases."""
    change = over_seeds("row", SPARSITY, {0: 0.5, 1: 0.5, 2: 0.5}, {0: 0.625, 1: 0.625, 2: 0.625})
    assert change.p == 0.25
    swapped = over_seeds("row", SPARSITY, {0: 0.5, 1: 0.5}, {2: 0.625, 3: 0.625})
    assert swapped.p == pytest.approx(2 / 6)


def rounds(seconds, other=1.0, n=12):
    """Two processes that take turns."""
    return [[seconds * (other if place % 2 else 1)] * 3 for place in range(n)]


def test_a_slower_row_is_found_and_its_rate_falls():
    slow = over_rounds(LATENCY, rounds(1e-3), rounds(1.1e-3), QUIET, STEADY)
    rate = over_rounds(RATE, rounds(1e-3), rounds(1.1e-3), QUIET, STEADY)
    assert [each.verdict for each in judged([slow, rate])] == ["worse", "worse"]
    assert slow.difference == pytest.approx(0.1)
    assert rate.difference == pytest.approx(1 / 1.1 - 1)
    assert (slow.old, slow.new) == (1.0, 2.0), "as they were reported"
    # by hand: the log ratio over the noise of the group and of the sessions, 1 % each
    freedom = (2e-4) ** 2 * 20 / 1e-8
    assert slow.p == pytest.approx(2 * stats.t.sf(math.log(1.1) / math.sqrt(2e-4), freedom))
    assert slow.low < slow.difference < slow.high


def test_the_drift_of_the_sessions_widens_the_interval():
    narrow = over_rounds(LATENCY, rounds(1e-3), rounds(1.1e-3), QUIET, STEADY)
    wide = over_rounds(LATENCY, rounds(1e-3), rounds(1.1e-3), QUIET, Drift(0.0, 0.05))
    assert wide.low < 0 < narrow.low
    assert judged([wide])[0].verdict == "tie"


def test_half_of_the_rounds_disturbed_is_no_difference():
    disturbed = rounds(1e-3)
    for place in range(6):
        disturbed[place] = [3e-3] * 3
    change = over_rounds(LATENCY, rounds(1e-3), disturbed, QUIET, STEADY)
    assert change.difference == pytest.approx(0.0)


def test_a_noise_of_which_nothing_is_known_gives_no_verdict():
    change = over_rounds(LATENCY, rounds(1e-3), rounds(2e-3), Noise(math.inf, 0), STEADY)
    assert judged([change])[0].verdict == "untested"


def change(p, difference=0.1):
    return Change(
        "row", "test_accuracy", 0.5, 0.5 + difference, difference, 0.01, 0.2, p=p
    )  # fmt: skip


def test_holm_corrects_for_what_could_be_claimed():
    found = judged([change(0.04), change(0.01), change(0.02), change(0.001, difference=0.0)])
    assert [each.corrected for each in found] == pytest.approx([0.04, 0.03, 0.04, 1.0])
    assert [each.verdict for each in found] == ["better", "better", "better", "tie"]
    found = judged([change(0.04), change(0.03)])
    assert {each.verdict for each in found} == {"tie"}


def test_better_is_less_of_a_time():
    less = replace(change(0.001), metric="latency_ms", difference=-0.1, low=-0.2, high=-0.01)
    assert judged([less])[0].verdict == "better"


def test_verdicts_of_equal_rows_hold_their_level():
    """Families of 13 rows of 3 seeds that differ by chance alone."""
    draws = np.random.default_rng(0)
    false = 0
    for _ in range(200):
        tables = draws.standard_normal((13, 2, 3))
        changes = [
            over_seeds("row", SPARSITY, *(dict(enumerate(t)) for t in row)) for row in tables
        ]
        false += any(each.verdict in ("better", "worse") for each in judged(changes))
    assert false <= 20  # of an expectation of at most 10
