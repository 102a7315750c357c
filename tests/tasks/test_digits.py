from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from safetensors import safe_open

from harness.catalogue.tasks import BUILT_IN
from harness.errors import UsageError
from harness.tasks import find
from harness.tasks.digits import DIGITS
from harness.tasks.prepare import labels_of, prepare_task


@pytest.fixture(scope="module")
def arrays():
    return DIGITS.locate([], None, print).read()


def test_sizes_shapes_and_types_are_as_described(arrays):
    assert {split: len(targets) for split, (_, targets) in arrays.splits.items()} == DIGITS.sizes
    assert sum(DIGITS.sizes.values()) == 1797
    for inputs, targets in arrays.splits.values():
        assert inputs.shape[1:] == DIGITS.input_shape
        assert (inputs.dtype, targets.dtype) == (np.uint8, np.int64)
        assert (inputs.min(), inputs.max() / arrays.scale) == (0, 1)


def test_the_split_is_fixed(arrays):
    """A digest of all that is in it: who changes it must raise SPLIT_VERSION."""
    digest = hashlib.sha256()
    for split in ("train", "validation", "test"):
        inputs, targets = arrays.splits[split]
        digest.update(np.ascontiguousarray(inputs).tobytes() + targets.tobytes())
    assert digest.hexdigest()[:16] == "bd2374be9f49b4a7"


def test_every_sample_of_the_source_is_in_one_split_once(arrays):
    from sklearn.datasets import load_digits

    images, targets = load_digits(return_X_y=True)

    def rows(inputs, targets):
        return sorted(
            bytes(x) + bytes([y]) for x, y in zip(inputs.reshape(len(inputs), -1), targets)
        )

    split = sorted(row for pair in arrays.splits.values() for row in rows(*pair))
    assert split == rows(images.astype(np.uint8), targets.astype(np.uint8))


def test_every_class_has_its_share_in_every_split(arrays):
    whole = np.bincount(np.concatenate([targets for _, targets in arrays.splits.values()]))
    for _, targets in arrays.splits.values():
        share = np.bincount(targets, minlength=10) - len(targets) * whole / whole.sum()
        assert np.abs(share).max() <= 1


def test_the_cached_file_holds_what_was_read_and_is_made_once(arrays, tmp_path):
    path, facts, _ = prepare_task(find("digits"), [], tmp_path, print)
    assert facts["splits"] == DIGITS.sizes
    assert "scikit-learn" in facts["source"]
    with safe_open(path, "np") as file:
        assert json.loads(file.metadata()["scale"]) == 16
        for split, (inputs, targets) in arrays.splits.items():
            assert np.array_equal(file.get_tensor(f"{split}_inputs"), inputs)
            if split != "test":
                assert np.array_equal(file.get_tensor(f"{split}_targets"), targets)
        assert "test_targets" not in file.keys()  # noqa: SIM118 (safetensors' file is no mapping)
    labels = labels_of(path)
    with safe_open(labels, "np") as file:
        assert np.array_equal(file.get_tensor("test_targets"), arrays.splits["test"][1])
    made = path.stat().st_mtime_ns
    assert prepare_task(find("digits"), [], tmp_path, print)[0].stat().st_mtime_ns == made
    # Nothing half-written is left.
    assert {p.name for p in path.parent.iterdir()} == {path.name, labels.name}


def test_a_task_is_found_by_its_name():
    assert find("digits") is DIGITS
    assert all(find(name).name == name for name in BUILT_IN)
    with pytest.raises(UsageError, match="unknown task 'digts': did you mean 'digits'"):
        find("digts")
