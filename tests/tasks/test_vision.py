"""The IDX tasks on files of zeros, which are sparse on disk, and on the real MNIST where it is."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.errors import DataMissing
from harness.tasks.prepare import prepare
from harness.tasks.vision import KMNIST, MNIST

#: The files of either task, and their sizes in bytes.
FILES = {
    "train-images-idx3-ubyte": 16 + 60_000 * 784,
    "train-labels-idx1-ubyte": 8 + 60_000,
    "t10k-images-idx3-ubyte": 16 + 10_000 * 784,
    "t10k-labels-idx1-ubyte": 8 + 10_000,
}


def zeros(root, folder="KMNIST", suffix=""):
    """The four files of the right sizes, all zeros, under `root`."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for name, size in FILES.items():
        if suffix:
            (raw / f"{name}{suffix}").write_bytes(gzip.compress(bytes(16)))
        else:
            with (raw / name).open("wb") as file:
                file.truncate(size)
    return raw


@pytest.fixture
def torchvision(monkeypatch):
    """Puts `download(root)` in the place of torchvision's own; nothing here uses the network."""

    def replace(download):
        def data_set(root, **options):
            assert options == {"download": True}
            download(Path(root))

        datasets = SimpleNamespace(MNIST=data_set, KMNIST=data_set)
        monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(datasets=datasets))

    def refuse(_root):
        pytest.fail("downloaded what is there already")

    replace(refuse)
    return replace


# --- what is found --------------------------------------------------------------------------------


def test_the_files_are_found_read_and_split(tmp_path, torchvision):
    raw = zeros(tmp_path)
    labels = np.arange(60_000) % 251  # tells the samples apart
    (raw / "train-labels-idx1-ubyte").write_bytes(bytes(8) + labels.astype(np.uint8).tobytes())
    with (raw / "t10k-images-idx3-ubyte").open("r+b") as file:
        file.seek(16 + 784 + 29)
        file.write(b"\xff")
    splits = KMNIST.locate([tmp_path], tmp_path / "cache", print).read().splits
    assert {split: len(targets) for split, (_, targets) in splits.items()} == KMNIST.sizes
    assert all(inputs.shape[1:] == (1, 28, 28) for inputs, _ in splits.values())
    # The pixel behind the header, the first image and one row and one pixel of the second.
    assert np.argwhere(splits["test"][0]).tolist() == [[1, 0, 1, 1]]
    together = np.concatenate([splits["train"][1], splits["validation"][1]])
    assert np.array_equal(np.sort(together), np.sort(labels))
    assert splits["validation"][1][:5].tolist() == [
        103,
        101,
        2,
        62,
        59,
    ]  # fixed: no run may move it


def test_folders_are_searched_in_their_order_and_the_cache_last(tmp_path, torchvision):
    first, second, cache = (tmp_path / name for name in ("first", "second", "cache"))
    for root in (cache, second, first):  # each that is added is to be preferred
        raw = zeros(root)
        assert KMNIST.locate([first, second], cache, print).read.args == (raw,)


def test_a_folder_that_lacks_a_file_is_passed_over(tmp_path, torchvision):
    half, whole = tmp_path / "half", tmp_path / "whole"
    (zeros(half) / "t10k-labels-idx1-ubyte").unlink()
    raw = zeros(whole)
    assert KMNIST.locate([half, whole], tmp_path / "cache", print).read.args == (raw,)


def test_other_content_has_another_place_in_the_cache(tmp_path, torchvision):
    raw = zeros(tmp_path)
    first = KMNIST.locate([tmp_path], tmp_path / "cache", print).identity
    assert KMNIST.locate([tmp_path], tmp_path / "cache", print).identity == first
    (raw / "t10k-labels-idx1-ubyte").write_bytes(bytes(10_007) + b"\1")
    assert KMNIST.locate([tmp_path], tmp_path / "cache", print).identity != first


# --- what is damaged ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 10_007, 10_009])
def test_a_file_of_another_size_is_damaged_and_the_line_says_what_to_do(
    tmp_path, torchvision, size
):
    raw = zeros(tmp_path)
    (raw / "t10k-labels-idx1-ubyte").write_bytes(bytes(size))
    with pytest.raises(DataMissing) as error:
        KMNIST.locate([tmp_path], tmp_path / "cache", print)
    assert f"{raw / 't10k-labels-idx1-ubyte'} is damaged ({size} bytes" in str(error.value)
    assert "delete it, or point --data at a whole copy" in str(error.value)


def test_a_changed_byte_of_mnist_is_damage(tmp_path, torchvision):
    raw = zeros(tmp_path, "MNIST")
    with pytest.raises(DataMissing) as error:
        MNIST.locate([tmp_path], tmp_path / "cache", print)
    assert str(raw / next(iter(FILES))) in str(error.value)
    assert "is damaged" in str(error.value)


# --- what is not there ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (RuntimeError("Error downloading x\nfrom y"), "(Error downloading x)"),
        (OSError("no route to host"), "(no route to host)"),
        (TimeoutError(), "(TimeoutError)"),
    ],
)
def test_without_a_network_the_line_says_where_to_put_the_files(
    tmp_path, torchvision, problem, told
):
    def fail(_root):
        raise problem

    torchvision(fail)
    said = []
    with pytest.raises(DataMissing) as error:
        KMNIST.locate([tmp_path / "a"], tmp_path / "cache", said.append)
    line = str(error.value)
    assert line.startswith(f"KMNIST could not be downloaded {told}: put ")
    assert all(f"{name}.gz" in line for name in FILES)
    assert "DIR/KMNIST/raw and give --data DIR or set HARNESS_DATA=DIR" in line
    assert "\n" not in line
    places = f"{tmp_path / 'a'}, {tmp_path / 'cache'}"
    assert said == [f"KMNIST is in none of {places}: downloading it to {tmp_path / 'cache'}"]


def test_a_download_goes_to_the_cache_and_is_used_from_there(tmp_path, torchvision):
    torchvision(zeros)
    source = KMNIST.locate([tmp_path / "a"], tmp_path / "cache", print)
    assert source.read.args == (tmp_path / "cache" / "KMNIST" / "raw",)


def test_packed_files_are_unpacked_into_the_cache_and_stay_as_they_are(tmp_path, torchvision):
    mine, cache = tmp_path / "mine", tmp_path / "cache"
    packed = zeros(mine, suffix=".gz")
    before = sorted(path.name for path in packed.iterdir())

    def unpack(root):
        raw = root / "KMNIST" / "raw"
        assert sorted(path.name for path in raw.iterdir()) == before  # torchvision finds them here
        for name, size in FILES.items():
            with (raw / name).open("wb") as file:
                file.truncate(size)

    torchvision(unpack)
    said = []
    KMNIST.locate([mine], cache, said.append)
    assert said == [f"unpacking {packed} into {cache}"]
    assert sorted(path.name for path in packed.iterdir()) == before


def test_the_socket_timeout_is_put_back(tmp_path, torchvision):
    import socket

    found = []

    def look(root):
        found.append(socket.getdefaulttimeout())
        zeros(root)

    torchvision(look)
    KMNIST.locate([], tmp_path, print)
    assert found[0] is not None
    assert socket.getdefaulttimeout() is None


# --- the cached arrays ----------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write")
def test_a_cache_that_cannot_be_written_is_told_with_what_to_do():
    with pytest.raises(DataMissing, match=r"cannot keep digits in .*: set HARNESS_CACHE"):
        prepare("digits", [], Path("/proc/harness"), print)


def test_a_split_that_is_not_as_described_is_refused(tmp_path, monkeypatch):
    from harness.tasks.digits import DIGITS

    monkeypatch.setitem(DIGITS.sizes, "test", 361)
    with pytest.raises((DataMissing, ValueError)):
        prepare("digits", [], tmp_path, print)
    assert not (tmp_path / "arrays").exists() or not list((tmp_path / "arrays").iterdir())


DATA = [Path(root) for root in os.environ.get("HARNESS_DATA", "").split(os.pathsep) if root]


@pytest.mark.skipif(
    not any((root / "MNIST" / "raw").is_dir() for root in DATA),
    reason="HARNESS_DATA names no folder with MNIST/raw",
)
def test_the_real_mnist(tmp_path, torchvision):
    source = MNIST.locate(DATA, tmp_path, print)
    splits = source.read().splits
    assert {split: len(targets) for split, (_, targets) in splits.items()} == MNIST.sizes
    assert splits["test"][1][:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # Known of the whole training set: its mean is 0.1307 of 255.
    images = np.concatenate([splits["train"][0], splits["validation"][0]])
    assert images.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    counts = np.bincount(np.concatenate([splits["train"][1], splits["validation"][1]]))
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
