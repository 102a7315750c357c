"""Where the IDX files are found, and that digests tell what they are; on tiny files with own digests."""

from __future__ import annotations

import ast
import gzip
import hashlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from harness.errors import DataMissing
from harness.tasks import idx

SIZES = {"train-images-idx3-ubyte": 40, "train-labels-idx1-ubyte": 12}
SIZES |= {"t10k-images-idx3-ubyte": 30, "t10k-labels-idx1-ubyte": 10}


def content(name, folder):
    return folder.encode().ljust(SIZES[name], b"\0")


def packed(name, folder):
    return gzip.compress(content(name, folder), mtime=0)


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def digests(monkeypatch):
    """Two published sets; of one, digests of the unpacked files are known too."""
    monkeypatch.setattr(idx, "FILES", SIZES)
    sets = ("MNIST", "KMNIST")
    zipped = {s: tuple(md5(packed(name, s)) for name in SIZES) for s in sets}
    plain = {"MNIST": tuple(md5(content(name, "MNIST")) for name in SIZES)}
    monkeypatch.setattr(idx, "PACKED", zipped)
    monkeypatch.setattr(idx, "UNPACKED", plain)


def put(folder, of="MNIST", suffix="", spell=str):
    """The four files of the set `of` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SIZES:
        write = packed if suffix else content
        (folder / f"{spell(name)}{suffix}").write_bytes(write(name, of))
    return folder


def found(folder, *roots):
    files, seen = idx.search(folder, roots)
    return {file.path.parent for file in files} if files else None, seen


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("inner", ["", "raw", "MNIST", "MNIST/raw"])
def test_mnist_is_found_where_people_have_it(tmp_path, inner, dotted, suffix):
    spell = (lambda name: name.replace("-idx", ".idx")) if dotted else str
    folder = put(tmp_path / inner, suffix=suffix, spell=spell)
    assert found("MNIST", tmp_path) == ({folder}, [])
    files, _ = idx.search("MNIST", [tmp_path])
    assert [file.content for file in files] == [content(name, "MNIST") for name in SIZES]
    assert all(file.is_verified("MNIST") for file in files)


def test_packed_files_beside_plain_ones_verify_them(tmp_path):
    """The published digests are those of the packed files, so these are read."""
    put(tmp_path / "KMNIST/raw", of="KMNIST")
    put(tmp_path / "KMNIST/raw", of="KMNIST", suffix=".gz")
    files, _ = idx.search("KMNIST", [tmp_path])
    assert all(file.is_verified("KMNIST") and file.path.suffix == ".gz" for file in files)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_folder_that_bears_the_name_with_files_of_another_set_is_refused(tmp_path, suffix):
    put(tmp_path / "KMNIST/raw", of="MNIST", suffix=suffix)
    with pytest.raises(DataMissing) as error:
        idx.search("KMNIST", [tmp_path])
    name = f"train-images-idx3-ubyte{suffix}"
    assert str(error.value).startswith(
        f"{tmp_path / 'KMNIST/raw' / name} is MNIST's file, not KMNIST's: delete it, or point --data"
    )


def test_files_of_another_set_that_were_packed_again_are_refused(tmp_path):
    folder = put(tmp_path / "KMNIST/raw", of="KMNIST", suffix=".gz")
    packed_anew(folder, "train-images-idx3-ubyte", "MNIST")
    with pytest.raises(DataMissing, match="is MNIST's file, not KMNIST's"):
        idx.search("KMNIST", [tmp_path])


def packed_anew(folder, name, of):
    odd = gzip.compress(content(name, of), compresslevel=1, mtime=5)
    (folder / f"{name}.gz").write_bytes(odd)


def test_files_that_were_packed_again_are_known_by_their_content(tmp_path):
    """Debian packs the same bytes with other headers."""
    for name in SIZES:
        packed_anew(tmp_path, name, "MNIST")
    files, seen = idx.search("MNIST", [tmp_path])
    assert [file.content for file in files] == [content(name, "MNIST") for name in SIZES]
    assert (seen, all(file.is_verified("MNIST") for file in files)) == ([], True)


def test_files_packed_again_of_whose_content_no_digest_is_known_are_refused(tmp_path):
    folder = put(tmp_path / "KMNIST/raw", of="KMNIST", suffix=".gz")
    packed_anew(folder, "t10k-labels-idx1-ubyte", "KMNIST")
    with pytest.raises(DataMissing, match="not the published file, and of what it holds no digest"):
        idx.search("KMNIST", [tmp_path])


def test_files_of_another_set_in_a_folder_without_a_name_are_passed_over_and_told(tmp_path):
    put(tmp_path)
    folder, (told,) = found("KMNIST", tmp_path)
    assert folder is None
    assert told.endswith("is MNIST's file, not KMNIST's")


def test_files_that_no_digest_tells_need_a_folder_with_the_name(tmp_path):
    put(tmp_path, of="KMNIST")
    folder, (told,) = found("KMNIST", tmp_path)
    assert folder is None
    assert "may be KMNIST's, but no digest of unpacked ones is known: put them into" in told


def test_what_is_incomplete_is_told_with_what_was_seen(tmp_path):
    (put(tmp_path / "MNIST/raw") / "t10k-labels-idx1-ubyte").unlink()
    folder, (told,) = found("MNIST", tmp_path)
    assert folder is None
    assert told.startswith(f"{tmp_path / 'MNIST/raw'} holds t10k-images-idx3-ubyte, train-images")
    assert told.endswith("not all of the four files")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("t10k-labels-idx1-ubyte", b""),
        ("t10k-labels-idx1-ubyte", b"MNIST\0\0\0\0\1"),
        ("t10k-labels-idx1-ubyte", bytes(11)),
    ],
)
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path, name, damage):
    folder = put(tmp_path / "MNIST")
    (folder / name).write_bytes(damage)
    with pytest.raises(DataMissing) as error:
        idx.search("MNIST", [tmp_path])
    assert f"{folder / name} is damaged ({len(damage)} bytes, md5" in str(error.value)
    assert "delete it, or point --data at a whole copy" in str(error.value)


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path):
    path = put(tmp_path / "MNIST", suffix=".gz") / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataMissing, match="is damaged"):
        idx.search("MNIST", [tmp_path])


def test_the_published_digests_are_those_that_torchvision_has(monkeypatch):
    monkeypatch.undo()
    spec = find_spec("torchvision")
    if spec is None:
        pytest.skip("needs torchvision, whose source has the digests")
    source = (Path(spec.origin).parent / "datasets/mnist.py").read_text()
    tables = {
        node.name: dict(ast.literal_eval(statement.value))
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "resources"
    }
    for folder, digests in idx.PACKED.items():
        assert dict(zip((f"{name}.gz" for name in idx.FILES), digests)) == tables[folder]
