from __future__ import annotations

import math

import pytest

np = pytest.importorskip("numpy")

from harness.results.comparison import (
    LEAST_FLOOR,
    Noise,
    Ratio,
    between,
    chance,
    compared,
    detectable,
    group_noise,
    outliers,
    verdicts,
)

#: A group that showed its equal rows apart by about 2 %.
SOME = Noise(0.01, 13)

ROUNDS = 12


def rounds(draws, factor=1.0, noise=0.01, drift=None, calls=20, process=0.0, count=ROUNDS, own=0):
    """Calls that other programs only lengthen, by two processes in turns.

    `drift` [count] is what the machine did to every row of a round, `process` the standard deviation
    of what a process does to itself for as long as it lives. A share of `own` rounds is disturbed in
    this row alone.
    """
    drift = np.ones(count) if drift is None else drift
    layout = np.exp(process * draws.standard_normal(2))[np.arange(count) % 2]
    shared = factor * layout * drift * np.exp(noise * draws.standard_normal(count))
    shared *= np.where(draws.random(count) < own, 1.5, 1)
    return [list(each * np.exp(0.05 * draws.exponential(size=calls))) for each in shared]


def test_a_ratio_is_that_of_the_fastest_calls_and_drift_cancels():
    ours, theirs = [[2.0, 30.0, 50.0], [4.0] * 3], [[1.0, 1.0, 9.0], [2.0] * 3]
    assert compared(ours, theirs, SOME).value == pytest.approx(2)
    draws = np.random.default_rng(0)
    drift = np.exp(np.linspace(0, 1, ROUNDS))
    found = compared(rounds(draws, 1.1, drift=drift), rounds(draws, drift=drift), SOME)
    assert found.value == pytest.approx(1.1, rel=0.03)


def test_both_processes_of_a_row_count_alike():
    ours = [[1.0], [1.21]] * 5 + [[1.0]]  # the first process has a round more
    assert compared(ours, [[1.0]] * 11, SOME).value == pytest.approx(1.1)


def test_the_interval_is_what_two_equal_rows_differ_by():
    found = compared([[1.2]] * ROUNDS, [[1.0]] * ROUNDS, SOME)
    assert found.value == pytest.approx(1.2)
    assert found.high / found.value == pytest.approx(1 + SOME.floor)
    assert found.value / found.low == pytest.approx(1 + SOME.floor)
    unknown = compared([[1.2]] * ROUNDS, [[1.0]] * ROUNDS, Noise(math.inf, 0))
    assert (unknown.low, unknown.high, unknown.p) == (None, None, 1.0)


def test_rounds_that_other_programs_disturbed_hide_no_difference():
    """Half of the rounds take 1.6 times as long, others in each row: their medians say nothing."""
    disturbed = [[1.6 if place % 4 in (0, 1) else 1.0] for place in range(ROUNDS)]
    slow = [[1.05 * (1.6 if place % 4 in (1, 2) else 1.0)] for place in range(ROUNDS)]
    found = compared(slow, disturbed, SOME)
    assert found.value == pytest.approx(1.05)
    # 6 of 24 rounds are the fastest, all of one row: of two rows, by the better of two tests
    assert chance(slow, disturbed) == pytest.approx(4 * math.comb(12, 6) / math.comb(24, 6))
    assert verdicts({"row": found}, SOME) == {"row": "slower"}
    assert verdicts({"row": compared(disturbed, slow, SOME)}, SOME) == {"row": "faster"}


def test_a_single_fast_round_is_no_difference():
    lucky = [[0.5]] + [[1.0]] * (ROUNDS - 1)
    assert chance(lucky, [[1.0]] * ROUNDS) == pytest.approx(1.0)
    assert verdicts({"row": compared(lucky, [[1.0]] * ROUNDS, SOME)}, SOME) == {"row": "tie"}


def test_a_drift_that_falls_on_both_rows_hides_no_difference():
    drift = np.exp(0.3 * np.random.default_rng(4).standard_normal(ROUNDS))
    ours, theirs = ([[factor * each] for each in drift] for factor in (1.05, 1.0))
    assert chance(ours, theirs) == pytest.approx(2 * 2 / 2**ROUNDS)  # the sign test: 12 heads
    assert compared(ours, theirs, SOME).value == pytest.approx(1.05)


@pytest.mark.parametrize("drift", [0.0, 0.3])
def test_chance_holds_its_level(drift):
    draws = np.random.default_rng(3)
    both = np.exp(drift * draws.standard_normal((1000, 1, ROUNDS, 1)))
    pairs = (both * draws.standard_exponential((1000, 2, ROUNDS, 1))).tolist()
    assert np.mean([chance(*pair) <= 0.05 for pair in pairs]) < 0.05


def test_rounds_that_took_as_long_decide_nothing():
    assert chance([[1.0]] * ROUNDS, [[1.0]] * ROUNDS) == 1
    assert chance([[1.0]] * 4 + [[2.0]] * 6, [[1.0]] * 10) == pytest.approx(4 / 2**6)


def test_few_rounds_support_no_claim():
    slow = compared([[2.0]] * 3, [[1.0]] * 3, SOME)
    assert slow.p == pytest.approx(4 / math.comb(6, 3))
    assert verdicts({"slow": slow}, SOME) == {"slow": "tie"}
    with pytest.raises(ValueError, match="took no round"):
        compared([], [[1.0]], SOME)


def test_equal_rounds_are_a_tie_without_a_division_by_zero():
    nothing = Noise(0.0, 1)
    same = compared([[1.0, 2.0]] * 8, [[1.0, 2.0]] * 8, nothing)
    assert same == Ratio(1.0, 1.0, 1.0, 1.0)
    assert verdicts({"same": same}, nothing) == {"same": "tie"}


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (Ratio(0.90, 0.88, 0.92, 0.0005), "faster"),
        (Ratio(1.10, 1.08, 1.12, 0.0005), "slower"),
        (Ratio(1.02, 1.015, 1.025, 0.0005), "tie"),  # equal rows come to lie as far apart
        (Ratio(0.98, 0.97, 0.99, 0.0005), "tie"),
        (Ratio(1.10, 1.08, 1.12, 0.2), "tie"),  # may be chance
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
    def row(factor):
        return compared([[factor]] * ROUNDS, [[1.0]] * ROUNDS, SOME)

    certain_by_rounds = row(1.025)
    assert chance([[1.025]] * ROUNDS, [[1.0]] * ROUNDS) < 1e-5
    assert verdicts({"one": certain_by_rounds}, SOME) == {"one": "slower"}
    others = {f"other{i}": row(1.0) for i in range(9)}
    assert verdicts({"one": certain_by_rounds} | others, SOME)["one"] == "tie"


def test_the_noise_is_what_the_two_processes_of_each_row_differ_by():
    apart, other_way = [[1.0], [1.02]] * 4, [[1.02], [1.0]] * 4
    found = group_noise([apart, other_way, [[3.0]] * 8, [[5.0]] * 8, [[7.0]] * 8])
    assert found.freedom == 4
    assert found.sd == pytest.approx(np.log(1.02) / 2)  # two of four, and half the variance
    assert found.floor == pytest.approx(np.expm1(2.776 * found.sd), rel=1e-3)
    assert found.p(1 + found.floor) == pytest.approx(0.05)
    assert found.p(1 / (1 + found.floor)) == pytest.approx(0.05)


def group_with(unsteady, seed=5):
    """Seven rows whose processes differ by about 1 %, and one of which the second took `unsteady` times."""
    draws = np.random.default_rng(seed)
    steady = [rounds(draws, factor, process=0.01) for factor in (1, 1, 1, 1, 1.1, 1.2, 1.5)]
    return [*steady, [[1.0], [unsteady]] * (ROUNDS // 2)]


@pytest.mark.parametrize("times", [1.3, 23.0])
def test_an_unsteady_row_hides_nothing_of_the_others_and_nothing_is_said_of_it(times):
    alone, group = group_with(1.0)[:-1], group_with(times)
    noise = group_noise(group)
    assert noise.sd == pytest.approx(group_noise(alone).sd)
    assert [noise.unsteady(row) > 0 for row in group] == [False] * 7 + [True]
    assert math.exp(noise.unsteady(group[-1])) == pytest.approx(times, rel=0.05)
    ratios = {str(n): compared(row, group[0], noise) for n, row in enumerate(group[1:], 1)}
    said = verdicts(ratios, noise)
    assert [said[str(n)] for n in range(1, 8)] == ["tie"] * 3 + ["slower"] * 3 + ["tie"]
    assert ratios["7"].high / ratios["7"].low > times  # by its own two processes


def test_the_noise_of_two_rows_of_one_group_is_that_of_the_group():
    one, other, *_ = group_with(1.0)
    assert between((SOME, one), (SOME, other)) == Noise(
        pytest.approx(SOME.sd), pytest.approx(SOME.freedom)
    )


def test_the_noise_of_two_rows_of_two_groups_is_by_both():
    row = [[1.0]] * ROUNDS
    found = between((Noise(0.01, 10), row), (Noise(0.02, 30), row))
    assert found.sd == pytest.approx(math.sqrt((1e-4 + 4e-4) / 2))
    assert 30 < found.freedom < 40  # Satterthwaite's
    assert between((SOME, row), (Noise(math.inf, 0), row)).freedom == 0


def test_processes_that_differ_by_less_than_any_machines_are_steady():
    """Most rows agree by chance, or to the last digit of a coarse clock."""
    rows = [[[1.0]] * 8] * 5 + [[[1.0], [1.02]] * 4]
    assert group_noise(rows).sd > 0
    assert not any(group_noise(rows).unsteady(row) for row in rows)


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


@pytest.mark.parametrize(("drift", "bursts", "own"), [(0.1, 0.2, 0.0), (0.02, 0.1, 0.35)])
def test_equal_rows_are_rarely_told_apart_and_slowed_ones_mostly(drift, bursts, own):
    """The procedure as a whole on simulated groups: drift, bursts, and processes that differ."""
    draws = np.random.default_rng(1)
    false = found = 0
    count, groups = 40, 60
    for _ in range(groups):
        machine = np.exp(drift * draws.standard_normal(count))
        machine *= np.where(draws.random(count) < bursts, 1.8, 1)
        group = {
            f"{factor} {i}": rounds(
                draws, factor, drift=machine, process=0.01, count=count, own=own
            )
            for factor in (1.0, 1.05)
            for i in range(6)
        }
        noise = group_noise(group.values())
        base = group.pop("1.0 0")
        for name, taken in group.items():
            verdict = verdicts({name: compared(taken, base, noise)}, noise)[name]
            false += name.startswith("1.0 ") and verdict != "tie"
            found += name.startswith("1.05") and verdict == "slower"
    assert false <= 0.07 * 5 * groups  # 5 % but for chance: 4.7 % of 2000
    assert found >= 0.8 * 6 * groups


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
