"""What a source file tells about itself without being run."""

from __future__ import annotations

import sys

import pytest

from harness.catalogue.source import (
    description,
    module_description,
    module_problem,
    names,
    script_metadata,
    syntax_problem,
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1\n", ""),
        ("", ""),
        ("def f(:\n", "line 1: invalid syntax"),
        ("x = 1\ny = (\n", "line 2: '(' was never closed"),
    ],
)
def test_what_is_no_python_is_told_with_its_line(text, problem):
    assert syntax_problem(text) == problem


def test_null_bytes_are_no_python():
    assert "null bytes" in syntax_problem("x = '\x00'")


def test_a_module_is_looked_at_and_not_imported(tmp_path, monkeypatch):
    (tmp_path / "looked_at.py").write_text("raise SystemExit\n")
    (tmp_path / "has_typo.py").write_text("def f(:\n")
    (tmp_path / "not_text.py").write_bytes(b"x = '\xff'")
    monkeypatch.syspath_prepend(tmp_path)
    assert module_problem("looked_at") == ""
    assert module_problem("has_typo") == "line 1: invalid syntax"
    assert module_problem("not_text").startswith("not_text cannot be read: ")
    assert module_problem("no_such_module") == "there is no module no_such_module"
    assert module_problem("no_such_package.module") == "there is no module no_such_package"
    assert module_problem("math") == ""  # no source to look at
    assert "looked_at" not in sys.modules


def test_neither_a_folder_without_init_nor_a_module_in_the_place_of_a_package_is_imported(
    tmp_path, monkeypatch
):
    (tmp_path / "pack_a" / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "pack_a" / "__init__.py").write_text("raise SystemExit\n")
    (tmp_path / "pack_a" / "deep" / "deeper" / "plug.py").write_text("def f(:\n")
    (tmp_path / "solo_a.py").write_text("raise SystemExit\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert module_problem("pack_a.deep.deeper.plug") == "line 1: invalid syntax"
    assert module_problem("pack_a.deep") == ""
    assert module_problem("pack_a.deep.other") == "there is no module pack_a.deep.other"
    assert module_problem("solo_a.inside") == "there is no module solo_a.inside"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n", {}),
        ("# /// script\n# x = 1\n# ///\n", {"x": 1}),
        ("import y\n\n# /// script\n# x = 1\n#\n# [tool.z]\n# w = 'a'\n# ///\n",
         {"x": 1, "tool": {"z": {"w": "a"}}}),
        ("# /// script\n# x = 1\n", {}),  # not closed
    ],
)  # fmt: skip
def test_a_script_block_is_read_as_its_pep_says(text, found):
    assert script_metadata(text) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"""`mine`: a network.\n\nMore.\n"""\nraise SystemExit\n', "a network."),
        ('# a comment\n\n"""A network."""\n', "A network."),
        ('"""other: a network."""\n', "other: a network."),
        ('"""`mine`, on `torch.nn`."""\n', "mine, on torch.nn."),
        ('"""\n  First line below.\n"""\n', "First line below."),
        ('"""\x1b[31mred"""', "\\x1b[31mred"),
        ("x = 1\n", ""),
        ("def f(:\n", ""),
        ("x = '\x00'", ""),
        (f'"""{"long " * 100}"""', f"{('long ' * 100)[:199]}\u2026"),
    ],
)
def test_a_module_says_what_it_is_in_the_first_line_of_its_docstring(text, told):
    assert description(text, "mine") == told


def test_an_installed_module_is_described_without_being_imported(tmp_path, monkeypatch):
    (tmp_path / "described.py").write_text('"""What it is."""\nraise SystemExit\n')
    monkeypatch.syspath_prepend(tmp_path)
    assert module_description("described", "described") == "What it is."
    assert module_description("no_such_module", "x") == module_description("math", "x") == ""
    assert "described" not in sys.modules


@pytest.mark.parametrize(
    ("text", "could"),
    [
        ("def hook(): ...", True),
        ("from other import hook", True),
        ("from other import made as hook", True),
        ("from other import *", True),
        ("hook = 3", True),
        ("@hookimpl(specname='hook')\ndef made(): ...", True),
        ("globals().update(made())", True),
        ("def f(:", True),
        ("def hooks(): ...", False),
        ("# hook\n'hook is not here'", False),
        ("", False),
    ],
)
def test_whether_a_module_could_define_a_name_is_told_by_its_code(text, could):
    assert names(text, "hook") is could
