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


@pytest.mark.parametrize("also_validation", [False, True])
def test_a_limit_cuts_every_split_to_its_first_samples(arrays, data, also_validation):
    from harness.worker.data import load

    few = load("digits", arrays, torch.device("cpu"), also_validation=also_validation, limit=50)
    assert (len(few.train), len(few.validation), len(few.test)) == (50, 40, 50)
    assert few.task.train_size == 50
    assert torch.equal(few.train.inputs, data.train.inputs[:50])
    assert torch.equal(few.train.targets, data.train.targets[:50])
    assert torch.equal(few.test.inputs, data.test.inputs[:50])
