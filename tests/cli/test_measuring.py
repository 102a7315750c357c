"""What the commands that measure have in common; nothing is measured here."""

from __future__ import annotations

import signal

import click
import pytest

from harness.cli.measuring import comma_separated, names
from harness.results.session import Session
from harness.results.store import RunFolder


@pytest.mark.parametrize(
    ("given", "found"),
    [((), ["all"]), (("a,b", "c"), ["a", "b", "c"]), (("",), []), ((",",), []), (("a,",), ["a"])],
)
def test_plugins_are_named_in_one_option_or_in_several(given, found):
    assert names(given) == found


def test_values_are_separated_by_commas_or_given_again():
    parse = comma_separated(int, "integers")
    assert parse(None, None, ["1,2"]) == (1, 2)
    assert parse(None, None, ["1", "2,3"]) == (1, 2, 3)
    with pytest.raises(click.BadParameter, match="'1,x': wanted integers"):
        parse(None, None, ["1,x"])


@pytest.fixture
def installed(distribution):
    distribution("p", {"plug": "m"}, layers={"lay": "m"}, modules={"m": ""})


@pytest.mark.parametrize(
    ("command", "kind", "plugin"), [("run", "networks", "plug"), ("layers", "layers", "lay")]
)
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("installed")
def test_an_interrupted_command_says_how_to_carry_on(
    harness, tmp_path, monkeypatch, command, kind, plugin, begun, number
):
    """Also where SIGINT was ignored when it started, as in the background of a script."""
    out = tmp_path / "out"

    def interrupted(*_words, **_options):
        if begun:
            RunFolder.create(out, kind).begin(Session())
        signal.raise_signal(number)
        pytest.fail("the signal was ignored")

    monkeypatch.setattr(f"harness.coordinator.api.{command}", interrupted)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, _, err = harness(command, "--plugins", plugin, "--out", out)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert err.splitlines()[-1] == (
        "harness: interrupted; what was finished is kept, carry on with: "
        f"harness {command} --resume {out}"
        if begun
        else "harness: interrupted before anything was measured"
    )
