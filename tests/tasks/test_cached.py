"""The file of prepared arrays: what safetensors reads is what was written, and damage is seen."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from safetensors import safe_open

from harness.tasks import cached

ARRAYS = {
    "odd": np.arange(7, dtype=np.uint8).reshape(7, 1),
    "floats": np.linspace(0, 1, 15, dtype=np.float32).reshape(5, 3),
    "labels": np.arange(5, dtype=np.int64),
}


def contents(arrays=ARRAYS):
    return {
        name: (str(array.dtype), array.shape, partial(cached.chunks_of, array))
        for name, array in arrays.items()
    }


@pytest.fixture
def path(tmp_path):
    cached.write(tmp_path / "deep/file.safetensors", contents(), {"scale": "1.0"})
    return tmp_path / "deep/file.safetensors"


def test_safetensors_reads_what_was_written(path):
    with safe_open(path, "np") as file:
        assert set(file.keys()) == set(ARRAYS)
        assert file.metadata()["scale"] == "1.0"
        for name, array in ARRAYS.items():
            assert np.array_equal(file.get_tensor(name), array)
            assert file.get_tensor(name).dtype == array.dtype


def test_chunks_do_not_change_the_file(path, tmp_path, monkeypatch):
    monkeypatch.setattr(cached, "_CHUNK", 4)
    cached.write(tmp_path / "again", contents(), {"scale": "1.0"})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    assert [len(chunk) for chunk in cached.chunks_of(ARRAYS["odd"])] == [4, 3]
    assert [len(chunk) for chunk in cached.chunks_of(ARRAYS["floats"])] == [1] * 5


def test_the_digest_is_that_of_the_content(path, tmp_path):
    assert cached.is_whole(path)
    digest = cached.metadata_of(path)[cached.DIGEST]
    assert cached.content_digest(path) == digest
    changed = {**ARRAYS, "labels": ARRAYS["labels"] + 1}
    assert cached.write(tmp_path / "other", contents(changed), {"scale": "1.0"}) != digest
    assert cached.write(tmp_path / "other", contents(), {"scale": "2.0"}) != digest
    assert cached.write(tmp_path / "other", contents(), {"scale": "1.0"}) == digest


def test_any_flipped_bit_is_seen(path):
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        assert not cached.is_whole(path), place


@pytest.mark.parametrize("content", [b"", b"x", bytes(8), b"\xff" * 64, None])
def test_what_is_no_such_file_is_not_whole(path, content):
    path.write_bytes(path.read_bytes()[:-1] if content is None else content)
    assert not cached.is_whole(path)
    assert not cached.is_whole(path.parent / "missing")


def test_nothing_is_left_of_a_file_that_could_not_be_finished(tmp_path):
    def broken():
        yield ARRAYS["labels"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cached.write(tmp_path / "x", {"labels": ("int64", (10,), broken)}, {})
    assert list(tmp_path.iterdir()) == []
