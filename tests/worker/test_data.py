"""A task's arrays as a trial gets them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from harness.errors import DataMissing
from harness.tasks import cached
from harness.tasks.subset import subset
from harness.worker.data import load


def test_inputs_are_floats_between_0_and_1(data):
    inputs, targets = data.train.take(slice(0, 5))
    assert inputs.shape == (5, 1, 8, 8)
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.int64)
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert torch.equal(data.train.inputs[:5] / 16, inputs)
    assert data.task.train_size == 203


@pytest.mark.parametrize("also_validation", [False, True])
def test_a_limit_takes_so_many_of_every_split_spread_over_it(arrays, data, also_validation):
    few = load("digits", arrays, torch.device("cpu"), also_validation=also_validation, limit=50)
    assert (len(few.train), len(few.validation), len(few.test)) == (50, 40, 50)
    assert few.task.train_size == 50
    assert torch.equal(few.test.inputs, data.test.inputs[subset(300, 50)])
    if not also_validation:
        places = subset(203, 50)
        assert torch.equal(few.train.inputs, data.train.inputs[places])
        assert torch.equal(few.train.targets, data.train.targets[places])


@pytest.mark.parametrize("place", [3, 100, -1])
def test_a_file_that_was_damaged_is_not_used(arrays, tmp_path, place):
    content = bytearray(Path(arrays).read_bytes())
    content[place] ^= 4
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(DataMissing, match="run again, and it is made anew"):
        load("digits", str(tmp_path / "damaged"), torch.device("cpu"))
    with pytest.raises(DataMissing, match="holds digits, not mnist: run again"):
        load("mnist", arrays, torch.device("cpu"))


def test_who_has_just_hashed_the_file_reads_it_without(arrays, monkeypatch):
    monkeypatch.setattr(cached, "content_digest", lambda path: "another")
    with pytest.raises(DataMissing, match="was damaged since it was prepared"):
        load("digits", arrays, torch.device("cpu"))
    assert len(load("digits", arrays, torch.device("cpu"), hashed=False).test) == 300
    with pytest.raises(DataMissing, match="holds digits, not mnist"):
        load("mnist", arrays, torch.device("cpu"), hashed=False)


def test_inputs_that_stay_mapped_are_taken_to_the_device_batch_by_batch(data):
    mapped = replace(data.train, takes_to=torch.device("cpu"))
    assert mapped.device == data.train.device
    for index in (slice(3, 7), torch.tensor([5, 1, 5])):
        for one, other in zip(mapped.take(index), data.train.take(index)):
            assert torch.equal(one, other)
