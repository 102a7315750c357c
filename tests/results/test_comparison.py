from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy")

from harness.results.comparison import (
    LEAST_FLOOR,
    Noise,
    Ratio,
    detectable,
    group_noise,
    outliers,
    paired_ratio,
    verdicts,
)

#: A group that showed its equal rows apart by about 2 %.
SOME = Noise(0.01, 13)

ROUNDS = 12


def rounds(draws, factor=1.0, noise=0.01, drift=None, calls=20, process=0.0, count=ROUNDS):
    """Calls that other programs only lengthen, by two processes in turns.

    `drift` [count] is what the machine did to every row of a round, `process` the standard deviation
    of what a process does to itself for as long as it lives.
    """
    drift = np.ones(count) if drift is None else drift
    own = np.exp(process * draws.standard_normal(2))[np.arange(count) % 2]
    shared = factor * own * drift * np.exp(noise * draws.standard_normal(count))
    return [list(each * np.exp(0.05 * draws.exponential(size=calls))) for each in shared]


def test_a_ratio_is_that_of_the_rounds_fastest_calls_and_drift_cancels():
    ours, theirs = [[2.0, 30.0, 50.0], [4.0] * 3], [[1.0, 1.0, 9.0], [2.0] * 3]
    assert paired_ratio(ours, theirs).value == pytest.approx(2)
    draws = np.random.default_rng(0)
    drift = np.exp(np.linspace(0, 1, ROUNDS))
    found = paired_ratio(rounds(draws, 1.1, drift=drift), rounds(draws, drift=drift))
    assert found.low < 1.1 < found.high
    assert found.high / found.low < 1.05


def test_both_processes_of_a_row_count_alike():
    ours = [[1.0], [1.21]] * 5 + [[1.0]]  # the first process has a round more
    found = paired_ratio(ours, [[1.0]] * 11)
    assert found.value == pytest.approx(1.1)
    assert found.low == found.high == pytest.approx(1.1)  # a process's rounds agree


def test_a_round_that_another_program_disturbed_hides_no_difference():
    baseline = [[1.0]] * (ROUNDS - 1) + [[1.7]]
    found = paired_ratio([[1.2]] * ROUNDS, baseline)
    assert found.p == pytest.approx(2 * (1 + ROUNDS) / 2**ROUNDS)  # 11 of 12 heads, or more
    assert verdicts({f"row {number}": found for number in range(12)}, SOME)["row 0"] == "slower"


def test_rounds_that_took_as_long_decide_nothing():
    assert paired_ratio([[1.0]] * ROUNDS, [[1.0]] * ROUNDS).p == 1
    assert paired_ratio([[1.0]] * 4 + [[2.0]] * 6, [[1.0]] * 10).p == pytest.approx(2 / 2**6)


def test_few_rounds_support_no_interval_and_no_claim():
    slow = paired_ratio([[2.0]] * 5, [[1.0]] * 5)
    assert (slow.low, slow.high) == (None, None)
    assert verdicts({"slow": slow}, SOME) == {"slow": "tie"}
    assert slow.low is None
    with pytest.raises(ValueError, match="no round was taken by both"):
        paired_ratio([], [[1.0]])


def test_equal_rounds_are_a_tie_without_a_division_by_zero():
    same = paired_ratio([[1.0, 2.0]] * 8, [[1.0, 2.0]] * 8)
    assert same == Ratio(1.0, 1.0, 1.0, 1.0)
    assert verdicts({"same": same}, Noise(0.0, 1)) == {"same": "tie"}


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (Ratio(0.90, 0.88, 0.92, 0.0005), "faster"),
        (Ratio(1.10, 1.08, 1.12, 0.0005), "slower"),
        (Ratio(1.02, 1.015, 1.025, 0.0005), "tie"),  # equal rows come to lie as far apart
        (Ratio(0.98, 0.97, 0.99, 0.0005), "tie"),
        (Ratio(1.10, 1.08, 1.12, 0.2), "tie"),  # may be chance
        (Ratio(1.10, 0.99, 1.12, 0.0005), "tie"),  # the interval holds 1
    ],
)
def test_a_claim_must_be_significant_and_beyond_the_floor(ratio, verdict):
    assert 0.02 < SOME.floor < 0.025
    assert verdicts({"row": ratio}, SOME) == {"row": verdict}


def test_claims_are_corrected_for_their_number():
    borderline = Ratio(1.2, 1.1, 1.3, 0.03)
    assert verdicts({"one": borderline}, SOME) == {"one": "slower"}
    many = {"one": borderline} | {f"other{i}": Ratio(1.0, 0.9, 1.1, 0.8) for i in range(9)}
    assert verdicts(many, SOME)["one"] == "tie"
    assert verdicts({}, SOME) == {}


def test_what_the_processes_differ_by_is_corrected_too():
    certain_by_rounds = Ratio(1.025, 1.02, 1.03, 1e-9)
    assert verdicts({"one": certain_by_rounds}, SOME) == {"one": "slower"}
    others = {f"other{i}": Ratio(1.0, 0.99, 1.01, 0.8) for i in range(9)}
    assert verdicts({"one": certain_by_rounds} | others, SOME)["one"] == "tie"


def test_the_noise_is_what_the_two_processes_of_each_row_differ_by():
    apart, other_way = [[1.0], [1.1]] * 4, [[1.1], [1.0]] * 4
    found = group_noise([apart, other_way, [[3.0]] * 8, [[5.0]] * 8, [[7.0]] * 8])
    assert found.freedom == 4
    assert found.sd == pytest.approx(np.log(1.1) / 2)  # two of four, and half the variance
    assert found.floor == pytest.approx(np.expm1(2.776 * found.sd), rel=1e-3)
    assert found.p(1 + found.floor) == pytest.approx(0.05)
    assert found.p(1 / (1 + found.floor)) == pytest.approx(0.05)


def test_what_falls_on_all_rows_of_a_round_is_no_noise():
    drift = [[1.0], [1.3]] * 4
    assert group_noise([drift, drift, drift]).sd == pytest.approx(0)
    assert group_noise([drift]).sd > 0.1  # nothing to tell it from the processes by


def test_rows_that_lay_together_are_not_trusted_to_do_so_always():
    assert group_noise([[[1.0]] * 8]).floor == LEAST_FLOOR


@pytest.mark.parametrize("rows", [[], [[[1.0]]], [[], [[1.0]] * 2]])
def test_without_a_second_process_nothing_can_be_claimed(rows):
    found = group_noise(rows)
    assert (found.floor, found.p(2.0)) == (math.inf, 1.0)
    assert verdicts({"row": Ratio(2.0, 1.9, 2.1, 1e-9)}, found) == {"row": "tie"}


def test_one_row_alone_says_little_of_the_noise():
    apart = [[1.0], [1.01]] * 4
    others = [[[1.0]] * 8] * 10
    assert group_noise([apart]).floor > 3 * group_noise([apart, *others]).floor


def test_equal_rows_are_rarely_told_apart_and_slowed_ones_nearly_always():
    """The procedure as a whole on simulated groups: drift, bursts, and processes that differ."""
    draws = np.random.default_rng(1)
    false = found = 0
    count, groups = 40, 60
    for _ in range(groups):
        drift = np.exp(0.1 * draws.standard_normal(count))
        drift *= np.where(draws.random(count) < 0.2, 1.8, 1)
        group = {
            f"{factor} {i}": rounds(draws, factor, drift=drift, process=0.01, count=count)
            for factor in (1.0, 1.05)
            for i in range(6)
        }
        noise = group_noise(group.values())
        base = group.pop("1.0 0")
        for name, taken in group.items():
            verdict = verdicts({name: paired_ratio(taken, base)}, noise)[name]
            false += name.startswith("1.0 ") and verdict != "tie"
            found += name.startswith("1.05") and verdict == "slower"
    assert false <= 0.07 * 5 * groups  # 5 % but for chance: 4.7 % of 2000
    assert found >= 0.9 * 6 * groups


def test_outliers_are_flagged_beyond_the_far_fence():
    times = [1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0, 1.02, 9.0]
    found = outliers(times)
    assert (found.count, found.slowest) == (1, 9.0)
    assert outliers([1.0]).count == 0


def test_a_quiet_machine_shows_smaller_differences():
    draws = np.random.default_rng(2)

    def shown(noise, process):
        rows = [rounds(draws, noise=noise, process=process) for _ in range(6)]
        return detectable(rows[0], rows[1], group_noise(rows))

    quiet, loud = shown(0.002, 0.002), shown(0.05, 0.03)
    assert 0.01 <= quiet < 0.03 < loud < math.inf
    three = [[1.0]] * 3
    assert detectable(three, three, SOME) == math.inf  # no claim from three rounds
