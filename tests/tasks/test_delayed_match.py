"""Delayed match-to-sample: what is shown when, and what can be told without a memory."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from harness.tasks import find
from harness.tasks.delayed_match import (
    ADDITIVE_BOUND,
    BACKGROUND,
    DELAY,
    DELAYED_MATCH,
    RATE,
    SHOWN,
    STEPS,
)
from harness.tasks.prepare import prepare_task


@pytest.fixture(scope="module")
def arrays():
    return DELAYED_MATCH.locate([], None, print).read()


def rates(spikes):
    """The rate of both groups of units: [N, 2], for spikes [N, steps, units]."""
    return spikes.reshape(*spikes.shape[:2], 2, -1).mean((1, 3))


def test_sizes_shapes_and_types_are_as_described(arrays):
    sizes = {split: len(targets) for split, (_, targets) in arrays.splits.items()}
    assert sizes == DELAYED_MATCH.sizes
    for inputs, targets in arrays.splits.values():
        assert inputs.shape[1:] == DELAYED_MATCH.sample_shape == (STEPS, 20)
        assert (inputs.dtype, targets.dtype) == (np.uint8, np.int64)


def test_the_data_are_fixed(arrays):
    """A digest of all that is in it: who changes it must raise SPLIT_VERSION."""
    digest = hashlib.sha256()
    for split in ("train", "validation", "test"):
        inputs, targets = arrays.splits[split]
        digest.update(np.ascontiguousarray(inputs).tobytes() + targets.tobytes())
    assert digest.hexdigest()[:16] == "445157ad72bf6c86"


def test_the_class_says_whether_both_patterns_are_the_same(arrays):
    for inputs, targets in arrays.splits.values():
        first = rates(inputs[:, :SHOWN]).argmax(1)
        second = rates(inputs[:, -SHOWN:]).argmax(1)
        assert ((first == second) == targets).mean() > 0.999  # spikes are drawn


def test_all_pairs_are_equally_frequent(arrays):
    for inputs, targets in arrays.splits.values():
        assert targets.mean() == 0.5
        first = rates(inputs[:, :SHOWN]).argmax(1)
        for label in (0, 1):
            assert abs(first[targets == label].mean() - 0.5) < 0.08


def test_only_the_pattern_that_is_shown_is_above_the_background(arrays):
    inputs, _ = arrays.splits["train"]
    for part in (inputs[:, :SHOWN], inputs[:, -SHOWN:]):
        both = np.sort(rates(part), 1).mean(0)
        assert both == pytest.approx([BACKGROUND, RATE], abs=0.01)
    assert inputs[:, SHOWN:-SHOWN].shape[1] == DELAY
    assert inputs[:, SHOWN:-SHOWN].mean() == pytest.approx(BACKGROUND, abs=0.001)


def test_a_linear_readout_of_all_spikes_is_at_chance_and_each_pattern_alone_tells_nothing(arrays):
    sklearn = pytest.importorskip("sklearn.linear_model")
    (train, labels), (held, wanted) = arrays.splits["train"], arrays.splits["test"]
    both = lambda x: np.concatenate([rates(x[:, :SHOWN]), rates(x[:, -SHOWN:])], 1)  # noqa: E731
    linear = sklearn.LogisticRegression().fit(both(train), labels)
    assert linear.score(both(held), wanted) < ADDITIVE_BOUND
    second = sklearn.LogisticRegression().fit(rates(train[:, -SHOWN:]), labels)
    assert abs(second.score(rates(held[:, -SHOWN:]), wanted) - 0.5) < 0.06


def test_it_is_generated_without_data_and_cached(tmp_path):
    path, facts, _ = prepare_task(find("delayed-match"), [], tmp_path, print)
    assert facts["source"].startswith("generated from seed")
    assert facts["splits"] == DELAYED_MATCH.sizes
    made = path.stat().st_mtime_ns
    assert prepare_task(find("delayed-match"), [], tmp_path, print)[0].stat().st_mtime_ns == made
