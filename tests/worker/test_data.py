"""A task's arrays as a trial gets them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_inputs_are_floats_between_0_and_1(data):
    inputs, targets = data.train.take(slice(0, 5))
    assert inputs.shape == (5, 1, 8, 8)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert torch.equal(data.train.inputs[:5] / 16, inputs)
    assert data.task.train_size == 203
