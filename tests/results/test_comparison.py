from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy")

from harness.results.comparison import (
    LEAST_FLOOR,
    Ratio,
    as_metrics,
    detectable,
    noise_floor,
    outliers,
    paired_ratio,
    verdicts,
)

ROUNDS = 12


def rounds(draws, factor=1.0, noise=0.01, drift=None, calls=20):
    """Log-normal calls; `drift` [ROUNDS] is what the machine did to every row of a round."""
    drift = np.ones(ROUNDS) if drift is None else drift
    shared = factor * drift * np.exp(noise * draws.standard_normal(ROUNDS))
    return [list(each * np.exp(0.02 * draws.standard_normal(calls))) for each in shared]


def test_a_ratio_is_that_of_round_medians_and_drift_cancels():
    ours, theirs = [[2.0, 2.0, 50.0], [4.0] * 3], [[1.0, 1.0, 9.0], [2.0] * 3]
    assert paired_ratio(ours, theirs).median == pytest.approx(2)
    draws = np.random.default_rng(0)
    drift = np.exp(np.linspace(0, 1, ROUNDS))
    found = paired_ratio(rounds(draws, 1.1, drift=drift), rounds(draws, drift=drift))
    assert found.low < 1.1 < found.high
    assert found.high / found.low < 1.05


def test_few_rounds_support_no_interval_and_no_claim():
    slow = paired_ratio([[2.0]] * 5, [[1.0]] * 5)
    assert (slow.low, slow.high) == (None, None)
    assert verdicts({"slow": slow}, 0.01) == {"slow": "tie"}
    assert "low" not in as_metrics(slow, "tie")
    with pytest.raises(ValueError, match="no round was taken by both"):
        paired_ratio([], [[1.0]])


def test_equal_rounds_are_a_tie_without_a_division_by_zero():
    same = paired_ratio([[1.0, 2.0]] * 8, [[1.0, 2.0]] * 8)
    assert same == Ratio(1.0, 1.0, 1.0, 1.0)
    assert verdicts({"same": same}, 0.0) == {"same": "tie"}


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (Ratio(0.90, 0.88, 0.92, 0.0005), "faster"),
        (Ratio(1.10, 1.08, 1.12, 0.0005), "slower"),
        (Ratio(1.04, 1.03, 1.05, 0.0005), "tie"),  # within the floor
        (Ratio(0.97, 0.96, 0.98, 0.0005), "tie"),
        (Ratio(1.10, 1.08, 1.12, 0.2), "tie"),  # may be chance
        (Ratio(1.10, 0.99, 1.12, 0.0005), "tie"),  # the interval holds 1
    ],
)
def test_a_claim_must_be_significant_and_beyond_the_floor(ratio, verdict):
    assert verdicts({"row": ratio}, 0.05) == {"row": verdict}


def test_claims_are_corrected_for_their_number():
    borderline = Ratio(1.2, 1.1, 1.3, 0.03)
    assert verdicts({"one": borderline}, 0.01) == {"one": "slower"}
    many = {"one": borderline} | {f"other{i}": Ratio(1.0, 0.9, 1.1, 0.8) for i in range(9)}
    assert verdicts(many, 0.01)["one"] == "tie"
    assert verdicts({}, 0.01) == {}


def test_the_noise_floor_is_the_far_end_of_the_null_pairs_interval():
    assert noise_floor(Ratio(1.01, 0.96, 1.02, 0.5)) == pytest.approx(1 / 0.96 - 1)
    assert noise_floor(Ratio(1.0, 0.9999, 1.0001, 0.5)) == LEAST_FLOOR
    assert noise_floor(Ratio(1.2, None, None, 0.5)) == pytest.approx(0.2)


def test_equal_rows_are_rarely_told_apart_and_slowed_ones_nearly_always():
    """The procedure as a whole on simulated groups: a null pair, equal rows and slowed rows."""
    draws = np.random.default_rng(1)
    false = found = 0
    for _ in range(100):
        drift = np.exp(0.1 * draws.standard_normal(ROUNDS))
        base = rounds(draws, drift=drift)
        floor = noise_floor(paired_ratio(rounds(draws, drift=drift), base))
        rows = {
            f"{factor} {i}": paired_ratio(rounds(draws, factor, drift=drift), base)
            for factor in (1.0, 1.05)
            for i in range(3)
        }
        for name, verdict in verdicts(rows, floor).items():
            false += name.startswith("1.0 ") and verdict != "tie"
            found += name.startswith("1.05") and verdict == "slower"
    assert false <= 0.05 * 300
    assert found >= 0.9 * 300


def test_outliers_are_flagged_beyond_the_far_fence():
    times = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0, 1.02, 9.0]
    found = outliers(times)
    assert (found.count, found.slowest) == (1, 9.0)
    assert outliers([1.0]).count == 0


def test_a_quiet_machine_shows_smaller_differences():
    draws = np.random.default_rng(2)
    quiet = detectable(rounds(draws, noise=0.002), rounds(draws, noise=0.002))
    loud = detectable(rounds(draws, noise=0.05), rounds(draws, noise=0.05))
    assert 0.01 <= quiet < 0.03 < loud < math.inf
    assert detectable([[1.0]] * 3, [[1.0]] * 3) == math.inf  # no claim from three rounds
