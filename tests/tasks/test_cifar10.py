"""CIFAR-10 from small files in both of its formats."""

from __future__ import annotations

import hashlib
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from harness.errors import DataMissing
from harness.tasks.cifar10 import CIFAR10, PYTHON_MD5, read_batch, spec
from harness.tasks.prepare import prepare_task

EACH = 4
SIZES = {"train": 5 * EACH - 2, "validation": 2, "test": EACH}


def samples(number):
    draws = np.random.default_rng(number)
    return draws.integers(0, 256, (EACH, 3 * 32 * 32), np.uint8), list(range(EACH))


def python_files(root):
    """The batches as the original files hold them: pickled dictionaries with keys that are bytes."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for number, name in enumerate(PYTHON_MD5):
        data, labels = samples(number)
        batch = {
            b"batch_label": b"x",
            b"labels": labels,
            b"data": data,
            b"filenames": [b"a.png"] * 4,
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def binary_files(root):
    """The batches as rows of a class and 3072 values."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number, name in enumerate(PYTHON_MD5):
        data, labels = samples(number)
        rows = np.concatenate([np.uint8(labels)[:, None], data], axis=1)
        (folder / f"{name}.bin").write_bytes(rows.tobytes())
    return folder


def small(root):
    """The task on files of these digests."""
    digests = {
        name: hashlib.md5(
            (root / "cifar-10-batches-py" / name).read_bytes(), usedforsecurity=False
        ).hexdigest()
        for name in PYTHON_MD5
    }
    return spec(digests, SIZES)


def test_both_formats_give_the_same_arrays(tmp_path):
    python_files(tmp_path / "a")
    binary_files(tmp_path / "b" / "CIFAR10")
    task = small(tmp_path / "a")
    one = prepare_task(task, [tmp_path / "a"], tmp_path / "cache", print)
    two = prepare_task(task, [tmp_path / "b"], tmp_path / "cache", print)
    assert one.facts["digest"] == two.facts["digest"]
    assert one.facts["verified"] == "by digests"
    assert two.facts["verified"].startswith("by size only")
    assert one.task.input_shape == (3, 32, 32)
    arrays = task.locate([tmp_path / "a"], tmp_path, print).read()
    images, labels = samples(5)
    assert np.array_equal(arrays.splits["test"][0].reshape(EACH, -1), images)
    assert arrays.splits["test"][1].tolist() == labels


def test_a_batch_of_another_digest_is_not_opened(tmp_path):
    folder = python_files(tmp_path)
    task = small(tmp_path)
    (folder / "data_batch_2").write_bytes((folder / "data_batch_1").read_bytes())
    with pytest.raises(DataMissing, match=r"data_batch_2 is damaged or another file \(md5"):
        task.locate([tmp_path], tmp_path / "cache", print)


class Hostile:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pickle.dumps(Hostile()), "asks for builtins.exec: it is not the original file"),
        (b"", "is damaged"),
        (pickle.dumps({b"data": [1]}), "is damaged"),
        (pickle.dumps([1]), "is damaged"),
    ],
)
def test_a_pickle_of_anything_else_is_refused(tmp_path, content, told):
    (tmp_path / "batch").write_bytes(content)
    with pytest.raises(DataMissing, match=told):
        read_batch(tmp_path / "batch")


@pytest.mark.parametrize("size", [0, 3072, 3074])
def test_a_binary_file_of_another_size_is_damaged(tmp_path, size):
    (tmp_path / "batch.bin").write_bytes(bytes(size))
    with pytest.raises(DataMissing, match=rf"is damaged \({size} bytes, no multiple of 3073\)"):
        read_batch(tmp_path / "batch.bin")


def test_without_files_or_network_the_line_says_what_to_do(tmp_path, monkeypatch):
    def fail(root, download):
        raise OSError("no route to host")

    datasets = SimpleNamespace(CIFAR10=fail)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(datasets=datasets))
    (python_files(tmp_path) / "test_batch").unlink()
    with pytest.raises(DataMissing) as error:
        CIFAR10.locate([tmp_path], tmp_path / "cache", print)
    line = str(error.value)
    assert line.startswith("CIFAR-10 could not be downloaded (no route to host): unpack cifar-10-")
    assert line.endswith(f"; {tmp_path / 'cifar-10-batches-py'} lacks test_batch")
    assert CIFAR10.look([tmp_path])[0].endswith("lacks test_batch")
