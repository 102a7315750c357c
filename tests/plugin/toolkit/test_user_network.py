"""A network from a file: what is read, and every mistake in one line."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn

from harness.author_errors import raised_at
from harness.errors import UsageError
from harness.plugin.toolkit.user_network import load_network

GOOD = """\
from torch import nn
import sizes

def small():
    return nn.Sequential(nn.Linear(sizes.INPUTS, 2))

def broken():
    return 1 / 0

def text():
    return "a network"

NOT_CALLABLE = 3
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "sizes.py").write_text("INPUTS = 7\n")
    path = tmp_path / "nets.py"
    path.write_text(GOOD)
    return path


def test_a_function_gives_the_network_and_may_import_what_lies_beside_it(file):
    assert load_network(f"{file}:small")[0].in_features == 7
    assert not list(file.parent.glob("__pycache__/nets*"))


def test_a_file_is_read_again_each_time(file):
    load_network(f"{file}:small")
    file.write_text(file.read_text().replace("sizes.INPUTS, 2", "5, 2"))
    assert isinstance(load_network(f"{file}:small")[0], nn.Linear)
    assert load_network(f"{file}:small")[0].in_features == 5


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("huge", "nets.py has no function 'huge'; it has small, broken, text"),
        ("text", "text() of {path} returns a str, and has to return an nn.Sequential"),
        ("NOT_CALLABLE", "nets.py has no function 'NOT_CALLABLE'; it has small, broken, text"),
    ],
)
def test_a_mistake_is_one_line(file, name, told):
    with pytest.raises(UsageError) as error:
        load_network(f"{file}:{name}")
    assert told.format(path=file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"gone.py: No such file"):
        load_network(f"{tmp_path / 'gone.py'}:f")


def test_an_exception_of_the_users_is_told_with_the_users_line(file, tmp_path):
    with pytest.raises(ZeroDivisionError) as in_function:
        load_network(f"{file}:broken")
    (tmp_path / "raises.py").write_text("\nraise ValueError('no way')\n")
    with pytest.raises(ValueError, match="no way") as in_file:
        load_network(f"{tmp_path / 'raises.py'}:f")
    line = file.read_text().splitlines().index("def broken():") + 2
    assert raised_at(in_function.value) == f"nets.py:{line}"
    assert raised_at(in_file.value) == "raises.py:2"
