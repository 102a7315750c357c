"""Which samples a limit leaves."""

from __future__ import annotations

import numpy as np
import pytest

from harness.tasks.subset import subset


@pytest.mark.parametrize("limit", [None, 10, 11])
def test_where_nothing_is_left_out_all_are_used(limit):
    assert subset(10, limit) is None


def test_classes_that_lie_one_after_the_other_keep_their_shares():
    """As N-MNIST's test files do; a sample of each is 20, give or take four standard deviations."""
    classes = np.arange(10_000) // 1000
    counts = np.bincount(classes[subset(10_000, 200)], minlength=10)
    assert counts.sum() == 200
    assert (abs(counts - 20) < 4 * np.sqrt(20 * 0.9)).all()


def test_the_places_ascend_and_are_those_of_every_run():
    places = subset(1000, 20)
    assert (np.diff(places) > 0).all()
    assert set(places) < set(subset(1000, 300))
    assert places.tolist() == subset(1000, 20).tolist()
