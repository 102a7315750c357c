"""Functions of files that parameters name: found without being imported."""

from __future__ import annotations

import pytest

from harness.catalogue.digest import file_digest
from harness.catalogue.functions import function_file, split_function
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nets.py:make", ("nets.py", ":make")),
        ("a b/c:d/nets.py:_make2", ("a b/c:d/nets.py", ":_make2")),
        ("nets.py", ("", "nets.py")),
        ("nets.py:", ("", "nets.py:")),
        ("nets.py:2", ("", "nets.py:2")),
        ("nets:make", ("", "nets:make")),
        ("256-64", ("", "256-64")),
    ],
)
def test_a_text_that_names_a_function_is_told_from_others(text, parts):
    assert split_function(text) == parts


def test_a_row_names_the_content_and_not_the_place(tmp_path, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nets.py").write_text("raise RuntimeError('imported')\n")
    named, place = function_file("model", f"{tmp_path}/one/nets.py:make")
    assert named == f"nets.py:make@{file_digest(tmp_path / 'one/nets.py')[:12]}"
    monkeypatch.chdir(tmp_path / "two")
    assert function_file("model", "nets.py:make") == (named, f"{tmp_path}/two/nets.py:make")
    assert place == f"{tmp_path}/one/nets.py:make"
    (tmp_path / "two/nets.py").write_text("x = 1\n")
    assert function_file("model", "nets.py:make")[0] != named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gone.py:make", "model file gone.py: No such file"),
        ("nets.py", "parameter model: 'nets.py' names no function of a file, wanted FILE.py:FUNCTION"),
        ("wrong.py:make", "model file wrong.py: line 1: "),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(tmp_path, monkeypatch, text, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text("def f(:\n")
    with pytest.raises(UsageError) as error:
        function_file("model", text)
    assert str(error.value).startswith(told)
    assert "\n" not in str(error.value)
