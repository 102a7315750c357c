"""A command that answers only in the end shows that it is at work."""

from __future__ import annotations

from harness.cli import waiting as module
from harness.cli.messages import tell
from harness.cli.waiting import waiting


def test_in_a_terminal_it_shows_what_it_does(capsys, monkeypatch, eventually):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with waiting("reading [a]") as say:
        eventually(lambda: "reading [a]" in capsys.readouterr().err)
        say("drawing")
        eventually(lambda: "drawing" in capsys.readouterr().err)


def test_a_line_that_is_said_meanwhile_stands_alone(capsys, monkeypatch, eventually):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = ""

    def turns():
        nonlocal shown
        shown += capsys.readouterr().err
        return "reading" in shown

    with waiting("reading"):
        eventually(turns)
        tell("a [line]")
    shown += capsys.readouterr().err
    assert "\x1b[2Kharness: a [line]\n" in shown


def test_elsewhere_it_is_told_in_a_line_when_it_takes_long(capsys, monkeypatch, eventually):
    monkeypatch.setattr(module, "LINE_SECONDS", 0.0)
    with waiting("reading [a]") as say:
        eventually(lambda: "reading [a]\n" in capsys.readouterr().err)
        say("drawing")
        eventually(lambda: "drawing\n" in capsys.readouterr().err)


def test_elsewhere_nothing_is_said_of_what_is_short(capsys, monkeypatch):
    monkeypatch.setattr(module, "LINE_SECONDS", 1e6)
    with waiting("reading"):
        pass
    assert capsys.readouterr() == ("", "")
