"""What the message of an author's exception says beyond its text: the line, and the name that was meant."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from harness.author_errors import described, raised_at
from harness.errors import unknown
from harness.plugin import Params, TaskSpec

HERE = Path(__file__).name
HIDDEN = Params(hidden=3, rho=0.5)


def raised(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it raises nothing")


@pytest.mark.parametrize(
    ("function", "meant"),
    [
        (lambda: HIDDEN.roh, "rho"),
        (lambda: HIDEN, "HIDDEN"),  # noqa: F821 (misspelled)
        (lambda: TaskSpec(name="t", classess=3), "classes"),
        (lambda: unknown("key", "k", (), off=1), "of"),
        (lambda: exec("from harness.plugin import Evalution"), "Evaluation"),
    ],
)
def test_a_name_that_does_not_exist_is_told_with_the_nearest(function, meant):
    # From 3.13 on, Python itself says some of them, in a sentence of its own.
    assert re.search(f"[:.] [dD]id you mean {meant!r}\\?$", described(raised(function)))


@pytest.mark.parametrize(
    "function",
    [
        lambda: HIDDEN.zzz,
        lambda: 1 / 0,
        lambda: {}["rho"],
        lambda: int("x", bass=3),
    ],
)
def test_other_errors_are_told_as_they_are(function):
    error = raised(function)
    assert described(error) == f"{type(error).__name__}: {error}"


def test_a_file_that_is_looked_for_in_the_workers_folder_is_told_how_it_is_found(tmp_path):
    told = described(raised(lambda: Path("states/w.pt").read_bytes()))
    assert told.endswith("beside your file, Path(__file__).with_name('w.pt')")
    gone = tmp_path / "w.pt"
    assert described(raised(gone.read_bytes)).endswith(f"No such file or directory: '{gone}'")


def test_a_command_that_there_is_not_is_no_file_beside_the_authors():
    told = described(raised(lambda: subprocess.run(["no-such-command"])))
    assert told == "FileNotFoundError: [Errno 2] No such file or directory: 'no-such-command'"


def test_an_exception_whose_text_cannot_be_had_is_told_by_its_type():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    assert described(Odd()) == "Odd: no message that can be read"


def test_an_object_that_cannot_be_looked_into_costs_the_hint_alone():
    class Odd:
        def __dir__(self):
            raise RuntimeError

    assert described(raised(lambda: Odd().x)) == "AttributeError: 'Odd' object has no attribute 'x'"


def test_the_line_is_the_authors_not_the_librarys():
    import json

    line = test_the_line_is_the_authors_not_the_librarys.__code__.co_firstlineno
    assert raised_at(raised(lambda: json.loads("{"))) == f"{HERE}:{line + 4}"
    assert raised_at(raised(lambda: TaskSpec("t", classess=3))) == f"{HERE}:{line + 5}"
    assert raised_at(ValueError("never raised")) == ""
