"""Random manifolds: each unit fires once, and only when tells the class."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from harness.tasks import find
from harness.tasks.prepare import prepare_task
from harness.tasks.randman import RANDMAN


@pytest.fixture(scope="module")
def arrays():
    return RANDMAN.locate([], None, print).read()


def times(inputs):
    """The step of each unit's first spike: [N, units]."""
    return inputs.argmax(1).astype(float)


def test_sizes_shapes_and_types_are_as_described(arrays):
    assert {split: len(targets) for split, (_, targets) in arrays.splits.items()} == RANDMAN.sizes
    for inputs, targets in arrays.splits.values():
        assert inputs.shape[1:] == RANDMAN.sample_shape == (100, 20)
        assert (inputs.dtype, targets.dtype) == (np.uint8, np.int64)
    assert arrays.scale == 1
    assert RANDMAN.kind == "classification"


def test_the_data_are_fixed(arrays):
    """A digest of all that is in it: who changes it must raise SPLIT_VERSION."""
    digest = hashlib.sha256()
    for split in ("train", "validation", "test"):
        inputs, targets = arrays.splits[split]
        digest.update(np.ascontiguousarray(inputs).tobytes() + targets.tobytes())
    assert digest.hexdigest()[:16] == "001f7f2de4ff1065"


def test_every_unit_fires_once_in_every_sample_so_that_counts_tell_nothing(arrays):
    for inputs, _ in arrays.splits.values():
        assert (inputs.sum(1) == 1).all()


def test_every_class_has_as_many_samples_in_all(arrays):
    counts = np.bincount(np.concatenate([targets for _, targets in arrays.splits.values()]))
    assert counts.tolist() == [1000] * 10


def test_every_unit_uses_all_of_the_time_in_every_class(arrays):
    inputs, targets = (np.concatenate(parts) for parts in zip(*arrays.splits.values()))
    for label in range(10):
        found = times(inputs[targets == label])
        assert (found.min(0) == 0).all()
        assert (found.max(0) == 99).all()


def test_a_class_is_a_curve(arrays):
    """A sample's nearest neighbour is of its class, and nearer than any sample of another."""
    (train, labels), (held, wanted) = arrays.splits["train"], arrays.splits["validation"]
    train, held = times(train), times(held[:200])
    squares = (held**2).sum(1)[:, None] + (train**2).sum(1) - 2 * held @ train.T
    assert (labels[squares.argmin(1)] == wanted[:200]).mean() > 0.99
    same = labels == wanted[:200, None]
    nearest = np.where(same, squares, np.inf).min(1)
    assert np.median(nearest) < 0.1 * np.median(np.where(same, np.inf, squares).min(1))


def test_a_linear_readout_of_the_times_does_not_do(arrays):
    """Curves wind: the classes' means tell little."""
    (train, labels), (held, wanted) = arrays.splits["train"], arrays.splits["validation"]
    means = np.stack([times(train[labels == label]).mean(0) for label in range(10)])
    squares = ((times(held)[:, None] - means) ** 2).sum(-1)
    assert (squares.argmin(1) == wanted).mean() < 0.7


def test_it_is_generated_without_data_and_cached(tmp_path):
    path, facts, _ = prepare_task(find("randman"), [], tmp_path, print)
    assert facts["source"].startswith("generated from seed")
    assert facts["splits"] == RANDMAN.sizes
    made = path.stat().st_mtime_ns
    assert prepare_task(find("randman"), [], tmp_path, print)[0].stat().st_mtime_ns == made
