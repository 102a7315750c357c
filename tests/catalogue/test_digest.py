"""Digests tell two versions of a method apart, whatever their names say; nothing is imported."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import harness
from harness.catalogue import digest
from harness.catalogue.digest import file_digest, host_digest, package_digest
from harness.errors import UsageError

EXPLODES = "raise SystemExit('imported')\n"


def folder_of(path, **files):
    """A folder at `path` with these files, by their names without the ending."""
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / f"{name}.py").write_text(text)
    return path


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `made_up` on the path."""
    folder = tmp_path / "made_up"
    (folder / "sub").mkdir(parents=True)
    (folder / "__init__.py").write_text(EXPLODES)
    (folder / "sub" / "__init__.py").write_text("")
    (folder / "sub" / "one.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_file_is_its_content(tmp_path):
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("x = 1")
    two.write_text("x = 1")
    assert file_digest(one) == file_digest(two)
    assert len(file_digest(one)) == 64
    two.write_text("x = 2")
    assert file_digest(one) != file_digest(two)


def test_what_a_file_imports_from_beside_it_belongs_to_it(tmp_path):
    folder = folder_of(
        tmp_path / "a", mine="def f():\n    import helper", helper="from parts.one import x"
    )
    folder_of(folder / "parts", one="x = 1")
    (folder / "other.py").write_text("")
    before = file_digest(folder / "mine.py")
    (folder / "other.py").write_text("not = imported")
    assert file_digest(folder / "mine.py") == before
    for edited in ("parts/one.py", "helper.py"):
        (folder / edited).write_text("x = 2")
        assert file_digest(folder / "mine.py") != before
        before = file_digest(folder / "mine.py")


def test_the_host_beside_a_file_is_no_part_of_it(tmp_path, monkeypatch):
    """A plugin in the folder of a checkout would be another one with every commit of the host."""
    folder = folder_of(tmp_path / "a", mine="from harness.plugin import hookimpl")
    before = file_digest(folder / "mine.py")
    host = folder_of(folder / "harness", __init__="", plugin="")
    monkeypatch.setattr(harness.__spec__, "origin", str(host / "__init__.py"))
    assert file_digest(folder / "mine.py") == before


def test_what_cannot_be_read_beside_a_file_is_one_line(tmp_path):
    (tmp_path / "mine.py").write_text("import helper\n")
    (tmp_path / "helper" / "odd.py").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"odd.py cannot be read: Is a directory"):
        file_digest(tmp_path / "mine.py")


def test_data_that_read_like_python_import_nothing(tmp_path):
    folder = folder_of(tmp_path / "a", helper="")
    data = folder / "weights.csv"
    data.write_text("import helper")
    assert file_digest(data) == hashlib.sha256(b"import helper").hexdigest()


def test_nothing_beside_a_file_stands_for_what_is_installed(tmp_path, monkeypatch):
    folder_of(tmp_path / "site", installed="")
    folder = folder_of(
        tmp_path / "a", mine="import installed, json, sys", installed="", json="", sys=""
    )
    alone = file_digest(folder_of(tmp_path / "b", mine="import installed, json, sys") / "mine.py")
    assert file_digest(folder / "mine.py") != alone
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert file_digest(folder / "mine.py") == alone


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "sub" / "one.py").write_text("x = 2\n"),
        lambda folder: (folder / "__init__.py").write_text(""),
        lambda folder: (folder / "sub" / "new.py").write_text(""),
        lambda folder: (folder / "sub" / "one.py").unlink(),
        lambda folder: (folder / "sub" / "one.py").rename(folder / "sub" / "two.py"),
        lambda folder: (folder / "sub" / "one.py").rename(folder / "one.py"),
    ],
)
def test_a_package_is_all_its_python_files_and_their_names(package, change):
    before = package_digest("made_up")
    assert len(before) == 64
    assert package_digest("made_up.sub.one") == before
    change(package)
    assert package_digest("made_up") != before
    assert "made_up" not in sys.modules


@pytest.mark.parametrize("name", ["notes.txt", "__pycache__/one.cpython-311.pyc"])
def test_other_files_do_not_count(package, name):
    before = package_digest("made_up")
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("hello")
    assert package_digest("made_up") == before


def test_the_same_package_elsewhere_is_the_same(package, tmp_path, monkeypatch):
    before = package_digest("made_up")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(package, elsewhere / "made_up")
    shutil.rmtree(package)
    assert package_digest("made_up") == ""
    monkeypatch.syspath_prepend(elsewhere)
    assert package_digest("made_up") == before


def test_a_package_of_parts_is_all_of_them(package, tmp_path, monkeypatch):
    """A namespace package has several folders."""
    (package / "__init__.py").unlink()
    before = package_digest("made_up")
    other = tmp_path / "other" / "made_up"
    other.mkdir(parents=True)
    (other / "more.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "other")
    assert package_digest("made_up") not in ("", before)


def test_a_single_module_is_its_file(tmp_path, monkeypatch):
    path = tmp_path / "made_up_module.py"
    path.write_text(EXPLODES)
    monkeypatch.syspath_prepend(tmp_path)
    assert package_digest("made_up_module") == file_digest(path)


@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.module"])
def test_what_is_not_there_has_none(name):
    assert package_digest(name) == ""


@pytest.mark.parametrize("module", ["pluggy", "click"])
def test_an_installed_package_has_one(module):
    assert len(package_digest(module)) == 64


@pytest.mark.native
def test_an_editable_install_is_the_source_that_it_points_to():
    from importlib.util import find_spec

    spec = find_spec("harness_native")
    if spec is None:
        pytest.skip("the native plugins are not installed")
    folder = Path(spec.submodule_search_locations[0])
    where = Path(str(distribution("snn-harness-native").locate_file("")))
    before = package_digest("harness_native.dfa")
    assert len(before) == 64
    code = "import sys; from harness.catalogue.digest import package_digest as d; print(d(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "harness_native"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == before
    if folder.parent == where:
        pytest.skip("it is no editable install")


# --- the host -------------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A copy of the host's sources, whose digest is taken."""
    copy = tmp_path / "harness"
    shutil.copytree(Path(harness.__file__).parent, copy)
    monkeypatch.setattr(digest, "__file__", str(copy / "catalogue" / "digest.py"))
    return copy


@pytest.mark.parametrize(
    "name",
    ["worker/train.py", "measure/clock.py", "tasks/digits.py", "plugin/contract.py",
     "plugin/toolkit/codes.py", "worker/sessions/base.py", "worker/proof/equality.py"],
)  # fmt: skip
def test_a_file_that_runs_in_a_worker_changes_the_host(host, name):
    before = host_digest()
    assert before
    path = host / name
    path.write_text(path.read_text() + "\n# changed\n")
    assert host_digest() != before


@pytest.mark.parametrize("name", ["cli/run.py", "report/build.py", "coordinator/api.py"])
def test_a_file_that_decides_no_result_does_not(host, name):
    before = host_digest()
    path = host / name
    path.write_text(path.read_text() + "\n# changed\n")
    assert host_digest() == before
