"""The Yin-Yang figure: geometry, classes and spike times, against definitions written differently."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from harness.tasks import find
from harness.tasks.prepare import prepare_task
from harness.tasks.yin_yang import CLASSES, STEPS, YIN_YANG, classes_of


@pytest.fixture(scope="module")
def arrays():
    return YIN_YANG.locate([], None, print).read()


def naive_class(x, y):
    """The class of one point in words: which side of the S it is on, by its height above the S."""
    x, y = 4 * (x - 0.5), 4 * (y - 0.5)  # the disc has radius 2, the half circles 1, the dots 0.4
    if math.sqrt(x**2 + y**2) > 2:
        return "outside"
    if math.sqrt((abs(x) - 1) ** 2 + y**2) <= 0.4:
        return "dots"
    # The S: below the axis on the left, above it on the right.
    boundary = math.copysign(math.sqrt(1 - (abs(x) - 1) ** 2), x)
    return "yin" if y > boundary else "yang"


def test_the_geometry_is_that_of_a_naive_definition():
    x, y = np.random.default_rng(1).random((2, 20000))
    names = [*CLASSES, "outside"]  # -1 is the last
    assert [names[label] for label in classes_of(x, y)] == list(map(naive_class, x, y))


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (0.5, 0.9, "yin"),
        (0.5, 0.1, "yang"),
        (0.25, 0.5, "dots"),
        (0.75, 0.5, "dots"),
        (0.25, 0.35, "yin"),  # below the left dot, in its half circle
        (0.75, 0.65, "yang"),
        (0.25, 0.59, "dots"),
        (0.25, 0.61, "yin"),
    ],
)
def test_known_points(x, y, name):
    assert CLASSES[classes_of(np.array([x]), np.array([y]))[0]] == name


def test_points_outside_the_disc_have_no_class():
    assert classes_of(np.array([0.1, 1.0]), np.array([0.1, 0.51])).tolist() == [-1, -1]


def test_half_a_turn_exchanges_yin_and_yang():
    x, y = np.random.default_rng(2).random((2, 5000))
    exchanged = np.array([1, 0, 2, -1])
    assert (classes_of(1 - x, 1 - y) == exchanged[classes_of(x, y)]).all()


def test_sizes_shapes_and_types_are_as_described(arrays):
    assert {split: len(targets) for split, (_, targets) in arrays.splits.items()} == YIN_YANG.sizes
    assert YIN_YANG.sizes == {"train": 5000, "validation": 1000, "test": 1000}
    for inputs, targets in arrays.splits.values():
        assert inputs.shape[1:] == YIN_YANG.sample_shape == (60, 5)
        assert (inputs.dtype, targets.dtype) == (np.uint8, np.int64)
    assert arrays.scale == 1
    assert YIN_YANG.kind == "classification"


def test_the_data_are_fixed(arrays):
    """A digest of all that is in it: who changes it must raise SPLIT_VERSION."""
    digest = hashlib.sha256()
    again = YIN_YANG.locate([], None, print).read()
    for split in ("train", "validation", "test"):
        inputs, targets = arrays.splits[split]
        assert np.array_equal(inputs, again.splits[split][0])
        assert np.array_equal(targets, again.splits[split][1])
        digest.update(np.ascontiguousarray(inputs).tobytes() + targets.tobytes())
    assert digest.hexdigest()[:16] == "067cc0aa4f1e5fc0"


def test_classes_are_equally_frequent_in_every_split_and_mixed(arrays):
    for _, targets in arrays.splits.values():
        counts = np.bincount(targets, minlength=3)
        assert counts.sum() == len(targets)
        assert np.ptp(counts) <= 1
        assert np.ptp(np.bincount(targets[:300], minlength=3)) < 60


def test_every_input_spikes_once_and_the_bias_always_in_the_same_step(arrays):
    for inputs, _ in arrays.splits.values():
        assert (inputs.sum(1) == 1).all()
        assert (inputs[:, 24, 4] == 1).all()


def test_times_are_linear_in_the_values_and_mirrored(arrays):
    """A time is rounded to its step, so two mirrored ones add up to t_early + t_late within a step."""
    for inputs, _ in arrays.splits.values():
        steps = inputs.argmax(1)
        assert 4 <= steps[:, :4].min() <= 5
        assert 53 <= steps[:, :4].max() <= 54
        assert np.abs(steps[:, :2] + steps[:, 2:4] - 57.5).max() <= 1
        assert steps.max() + 1 < STEPS


def test_the_points_that_the_times_tell_have_the_targets_classes(arrays):
    """Half a step from the boundaries: there rounding cannot change the class."""
    for inputs, targets in arrays.splits.values():
        steps = inputs.argmax(1)[:, :4]
        # The mean of both estimates of a value, each within half a step.
        told = (steps[:, :2] - 4 + 53.5 - steps[:, 2:4]) / 2 / 49.5
        near = 0.5 / 49.5
        moves = [np.array([dx, dy]) * near for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        around = np.stack([classes_of(*(told + move).T) for move in moves])
        sure = (around == around[0]).all(0)
        assert sure.mean() > 0.75
        assert (around[0] == targets)[sure].all()
        assert (around == targets).any(0).all()


def test_points_are_uniform_within_a_class(arrays):
    """The dots are equally frequent, and yin's share in its upper half is that of the area."""
    inputs, targets = (np.concatenate(parts) for parts in zip(*arrays.splits.values()))
    steps = inputs.argmax(1)
    dots = steps[targets == 2]
    assert abs((dots[:, 0] < dots[:, 2]).mean() - 0.5) < 0.03
    x, y = np.random.default_rng(3).random((2, 200_000))
    yin = classes_of(x, y) == 0
    share = (steps[targets == 0][:, 1] > steps[targets == 0][:, 3]).mean()
    assert abs(share - (y[yin] > 0.5).mean()) < 0.03


def test_a_linear_classifier_of_the_times_does_not_do(arrays):
    """The paper's reason for the task: a network without a hidden layer reaches 64 %."""
    sklearn = pytest.importorskip("sklearn.linear_model")
    (train, labels), (held, wanted) = arrays.splits["train"], arrays.splits["validation"]
    linear = sklearn.LogisticRegression().fit(train.argmax(1) / STEPS, labels)
    assert 0.55 < linear.score(held.argmax(1) / STEPS, wanted) < 0.7


def test_it_is_generated_without_data_and_cached(tmp_path):
    path, facts, _ = prepare_task(find("yin-yang"), [], tmp_path, print)
    assert facts["source"].startswith("generated from seed")
    assert facts["splits"] == YIN_YANG.sizes
    made = path.stat().st_mtime_ns
    assert prepare_task(find("yin-yang"), [], tmp_path, print)[0].stat().st_mtime_ns == made
