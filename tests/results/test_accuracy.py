from __future__ import annotations

import math
import time

import pytest

np = pytest.importorskip("numpy")
stats = pytest.importorskip("scipy.stats")

from harness.results.accuracy import Outcomes, accuracy_interval, class_accuracy
from harness.results.standings import accuracy_differences, places
from harness.results.statistics import mean_interval
from tests.benchmarks.accuracy_coverage import Family, judge

SEEDS = (0, 1, 2)


def draw(draws, accuracy, seeds=SEEDS, samples=1000):
    return Outcomes(seeds, draws.random((len(seeds), samples)) < accuracy)


def first(count, samples=100, seeds=1):
    """Networks that are right on the first `count` samples."""
    return np.tile(np.arange(samples) < count, (seeds, 1))


def test_one_seed_has_wilsons_interval_of_the_samples():
    found = accuracy_interval(first(90))
    by_scipy = stats.binomtest(90, 100).proportion_ci(method="wilson")
    assert (found.value, found.n) == (0.9, 1)
    assert (found.low, found.high) == pytest.approx((by_scipy.low, by_scipy.high))
    assert found.kind == "1 seed: samples alone"


def test_seeds_that_agree_count_as_one_and_seeds_that_share_nothing_count_as_more():
    once, agreed = accuracy_interval(first(90)), accuracy_interval(first(90, seeds=3))
    assert (agreed.low, agreed.high) == pytest.approx((once.low, once.high), abs=1e-3)
    assert agreed.kind == "3 seeds x 100 samples"
    assert accuracy_interval(first(1, 10_000, 3)).kind == "3 seeds x 10 000 samples"
    apart = np.stack([np.roll(first(90)[0], 30 * seed) for seed in range(3)])
    alone = accuracy_interval(apart)
    assert alone.high - alone.low < once.high - once.low


def test_an_interval_of_seeds_that_differ_is_students_where_samples_add_little():
    right = np.stack([first(count, 100_000)[0] for count in (48_000, 50_000, 52_000)])
    found = accuracy_interval(right)
    by_seeds = mean_interval([0.48, 0.50, 0.52])
    assert found.low == pytest.approx(by_seeds.low, abs=0.002)
    assert found.high == pytest.approx(by_seeds.high, abs=0.002)


@pytest.mark.parametrize(("count", "end"), [(0, "low"), (100, "high")])
@pytest.mark.parametrize("seeds", [1, 3])
def test_accuracies_of_0_and_1_have_the_interval_of_the_samples(count, end, seeds):
    found = accuracy_interval(first(count, seeds=seeds))
    assert found.value == getattr(found, end) == count / 100
    assert found.high - found.low == pytest.approx(0.037, abs=1e-3)  # z² / (n + z²)


def test_an_interval_contains_its_mean_lies_in_0_to_1_and_never_has_zero_width():
    draws = np.random.default_rng(0)
    for seeds in (1, 2, 3, 10):
        for accuracy in (0.0, 0.01, 0.5, 0.99, 1.0):
            for samples in (2, 7, 50):
                found = accuracy_interval(draws.random((seeds, samples)) < accuracy)
                assert 0 <= found.low <= found.value <= found.high <= 1
                assert found.high > found.low


def test_outcomes_of_another_shape_or_type_are_refused():
    for right in (np.ones((2, 5)), np.ones(5, bool), np.ones((0, 5), bool), np.ones((1, 1), bool)):
        with pytest.raises(ValueError, match="bool"):
            accuracy_interval(right)
    for seeds in ((0,), (1, 1)):
        with pytest.raises(ValueError, match="networks of seeds"):
            Outcomes(seeds, first(5, seeds=2))
    rows = {"row": Outcomes((0,), first(9)), "base": Outcomes((0,), first(9, samples=50))}
    with pytest.raises(ValueError, match="share their samples"):
        accuracy_differences(rows, "base")


def test_one_seed_is_judged_by_mcnemars_exact_test():
    rows = {"base": Outcomes((7,), first(80)), "row": Outcomes((7,), first(90))}
    found = accuracy_differences(rows, "base")["row"]
    assert found.value == pytest.approx(0.1)
    assert found.p == pytest.approx(2 / 2**10)  # ten samples, all in favour of one row
    assert found.verdict == "better" and found.kind == "1 seed: samples alone"
    assert 0 < found.low < 0.1 < found.high
    back = accuracy_differences(rows, "row")["base"]
    assert back.verdict == "worse"
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_a_pair_of_rows_has_students_paired_t_over_seeds_where_samples_have_nothing_in_common():
    wrong = np.zeros((3, 1000), bool)
    wrong[0, :60] = wrong[1, 60:110] = wrong[2, 110:200] = True
    rows = {"base": Outcomes(SEEDS, ~wrong), "row": Outcomes(SEEDS, first(1000, 1000, 3))}
    found = accuracy_differences(rows, "base")["row"]
    by_scipy = stats.ttest_1samp([0.06, 0.05, 0.09], 0)
    assert found.p == pytest.approx(by_scipy.pvalue, rel=0.02)  # half a sample is added to each row
    expected = by_scipy.confidence_interval()
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.001)
    assert found.verdict == "better"


def test_a_shared_seed_effect_cancels_and_rows_pair_by_seed_number():
    draws = np.random.default_rng(0)
    levels = draws.random((3, 2000))
    effects = np.array([0.6, 0.75, 0.9])[:, None]  # some seeds fail alike in all rows
    rows = {"base": Outcomes((0, 1, 2), levels < effects)}
    rows |= {f"row {n}": Outcomes((0, 1, 2), levels < effects) for n in range(3)}
    rows["better"] = Outcomes((2, 0, 1, 5), (levels < effects + 0.03)[[2, 0, 1, 1]])
    found = accuracy_differences(rows, "base")
    assert {name: each.verdict for name, each in found.items()} == {
        "row 0": "tie",
        "row 1": "tie",
        "row 2": "tie",
        "better": "better",
    }
    assert found["better"].kind == "3 seeds x 2 000 samples"
    assert found["better"].value == pytest.approx(0.03, abs=0.01)


def test_rows_without_a_common_seed_and_equal_rows_are_ties():
    rows = {"base": Outcomes((0, 1), first(50, seeds=2)), "other": Outcomes((2,), first(99))}
    found = accuracy_differences(rows, "base")["other"]
    assert (found.verdict, found.p, found.low, found.kind) == ("tie", 1.0, None, "no common seed")
    assert found.value == pytest.approx(0.49)
    rows = {
        "base": Outcomes(SEEDS, first(50, seeds=3)),
        "same": Outcomes(SEEDS, first(50, seeds=3)),
    }
    same = accuracy_differences(rows, "base")["same"]
    assert (same.value, same.p, same.verdict) == (0, 1, "tie")
    assert same.low < 0 < same.high  # agreeing on 100 samples does not prove equality
    assert accuracy_differences({"base": rows["base"]}, "base") == {}


def test_a_p_is_corrected_for_the_number_of_rows():
    draws = np.random.default_rng(1)
    rows = {"base": draw(draws, 0.8)} | {f"row {n}": draw(draws, 0.8) for n in range(12)}
    found = accuracy_differences(rows, "base")
    expected = stats.false_discovery_control([each.p for each in found.values()], method="by")
    assert [each.corrected for each in found.values()] == pytest.approx(list(expected))


def test_a_row_that_is_noisier_than_the_others_is_not_judged_by_their_noise():
    steady = {f"row {n}": (899 + n % 3, 900, 901) for n in range(12)}
    wild = {"wild": (860, 900, 1000)}
    draws = np.random.default_rng(0)
    rows = {
        name: Outcomes(SEEDS, np.stack([draws.permutation(first(n, 1000)[0]) for n in counts]))
        for name, counts in (steady | wild).items()
    }
    found = accuracy_differences(rows, "row 0")["wild"]
    alone = stats.ttest_1samp(np.array([860, 900, 1000]) / 1000, 0.9)
    assert found.p > alone.pvalue / 2
    assert found.high - found.low > 0.2


def test_places_are_shared_by_rows_that_cannot_be_told_apart():
    draws = np.random.default_rng(0)
    truths = {"a": 0.9, "b": 0.7, "c": 0.9, "d": 0.7, "e": 0.5}
    rows = {name: draw(draws, truth) for name, truth in truths.items()}
    assert places(rows) == {"a": 1, "b": 3, "c": 1, "d": 3, "e": 5}
    assert places({"only": rows["a"]}) == {"only": 1}


def test_classes_are_counted_and_confused():
    predictions = [[0, 0, 1, 2], [0, 1, 1, 1]]
    found = class_accuracy(predictions, [0, 0, 1, 1], 4)
    assert found.n.tolist() == [2, 2, 0, 0]
    assert found.accuracy[:2].tolist() == [0.75, 0.75]
    assert all(math.isnan(each) for each in found.accuracy[2:])
    assert found.confusion.tolist() == [[3, 1, 0, 0], [0, 3, 1, 0], [0] * 4, [0] * 4]


@pytest.mark.parametrize(
    ("predictions", "labels"),
    [([[0, 4]], [0, 1]), ([[0, -1]], [0, 1]), ([[0, 1]], [0]), ([0, 1], [0, 1]), ([[0.0]], [0])],
)
def test_predictions_that_fit_no_labels_are_refused(predictions, labels):
    with pytest.raises(ValueError, match="prediction"):
        class_accuracy(predictions, labels, 4)


@pytest.mark.parametrize(
    ("count", "seeds", "samples", "limit"), [(1000, 10, 360, 8), (13, 3, 10_000, 3)]
)
def test_many_rows_are_quick(count, seeds, samples, limit):
    draws = np.random.default_rng(0)
    truths = np.linspace(0.5, 0.9, count)
    rows = {f"row {n}": draw(draws, truth, range(seeds), samples) for n, truth in enumerate(truths)}
    start = time.process_time()
    for row in rows.values():
        accuracy_interval(row.right)
    accuracy_differences(rows, "row 0")
    places(rows)
    assert time.process_time() - start < limit  # measured: 0.8 and 0.1 s


@pytest.mark.parametrize("spread", [0.0, 0.003, 0.01, 0.03])
def test_simulated_equal_rows_are_ties_and_their_intervals_hold_the_truth(spread):
    family = Family([0.9] * 13, [spread] * 13, samples=360)
    judged = judge(family, 60, np.random.default_rng(0))
    assert judged.accuracy >= 0.93
    assert judged.difference >= 0.91
    assert judged.false <= 0.10
    assert judged.misplaced <= 0.12


def test_simulated_rows_that_are_2_points_better_are_found():
    family = Family([0.9] * 7 + [0.92] * 6, [0.003] * 13, samples=10_000)
    judged = judge(family, 15, np.random.default_rng(0))
    assert judged.found >= 0.9
    assert judged.false_share <= 0.10
