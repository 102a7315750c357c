"""The IDX tasks on files of zeros, which are sparse on disk, and on the real MNIST where it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.errors import DataMissing
from harness.tasks import find
from harness.tasks.idx import FILES
from harness.tasks.prepare import prepare_task
from harness.tasks.vision import KMNIST, MNIST


def zeros(root, folder="KMNIST"):
    """The four files of the right sizes, all zeros, under `root`."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True)
    for name, size in FILES.items():
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


def folder_of(source):
    """The folder that the files of a located task lie in."""
    (files,) = source.read.args
    return {file.path.parent for file in files}


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
    # Fixed: no run may move it.
    assert splits["validation"][1][:5].tolist() == [103, 101, 2, 62, 59]


def test_folders_are_searched_in_their_order_and_the_cache_last(tmp_path, torchvision):
    first, second, cache = (tmp_path / name for name in ("first", "second", "cache"))
    for root in (cache, second, first):  # each that is added is to be preferred
        raw = zeros(root)
        assert folder_of(KMNIST.locate([first, second], cache, print)) == {raw}


def test_a_folder_that_lacks_a_file_is_passed_over(tmp_path, torchvision):
    half, whole = tmp_path / "half", tmp_path / "whole"
    (zeros(half) / "t10k-labels-idx1-ubyte").unlink()
    raw = zeros(whole)
    assert folder_of(KMNIST.locate([half, whole], tmp_path / "cache", print)) == {raw}


def test_other_content_has_another_place_in_the_cache(tmp_path, torchvision):
    raw = zeros(tmp_path)
    first = KMNIST.locate([tmp_path], tmp_path / "cache", print).identity
    assert KMNIST.locate([tmp_path], tmp_path / "cache", print).identity == first
    (raw / "t10k-labels-idx1-ubyte").write_bytes(bytes(10_007) + b"\1")
    assert KMNIST.locate([tmp_path], tmp_path / "cache", print).identity != first


def test_what_is_not_verified_is_said(tmp_path, torchvision):
    zeros(tmp_path)
    facts = KMNIST.locate([tmp_path], tmp_path / "cache", print).facts
    assert facts["verified"].startswith(
        "by size only, no digest of unpacked files is known: train-"
    )


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
    assert folder_of(source) == {tmp_path / "cache" / "KMNIST" / "raw"}


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
        prepare_task(find("digits"), [], Path("/proc/harness"), print)


def test_a_split_that_is_not_as_described_is_refused(tmp_path, monkeypatch):
    from harness.tasks.digits import DIGITS

    monkeypatch.setitem(DIGITS.sizes, "test", 361)
    with pytest.raises((DataMissing, ValueError)):
        prepare_task(find("digits"), [], tmp_path, print)
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
