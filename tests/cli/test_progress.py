"""What a watcher of a run sees, in a terminal and without one."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TextColumn

from harness.cli.progress import Bars, Lines, state, watching
from harness.protocol.events import Progress


@pytest.fixture
def lines():
    """A watcher that prints what comes within `every` seconds of the last line, and what it printed."""
    made = []

    def make(every=math.inf):
        text = io.StringIO()
        watcher = Lines(Console(file=text, width=80), every)
        made.append(watcher)
        return watcher, lambda: text.getvalue().splitlines()

    yield make
    for watcher in made:
        watcher.close()


def test_what_begins_is_told_at_once(lines):
    watcher, told = lines()
    watcher.doing("importing torch")
    watcher.planned(["a seed=0", "a seed=1"], 1, "digits (quick)")
    watcher.measuring(0, 12, "opening")
    watcher.measuring(5, 12, "latency of a")
    assert told() == [
        "importing torch",
        "2 trials on digits (quick), 1 of them done before",
        "measurement group: 12 steps, alone on the machine",
    ]


def test_one_trial_is_no_trials(lines):
    watcher, told = lines()
    watcher.planned(["a seed=0"], 0, "digits (quick)")
    assert told() == ["1 trial on digits (quick)"]


def test_what_went_well_waits_for_the_next_line_and_what_failed_does_not(lines, make_record):
    watcher, told = lines()
    watcher.planned(["a", "b"], 0, "digits (quick)")
    watcher.recorded("a", make_record(metrics={"test_accuracy": 0.5}))
    watcher.recorded("b", make_record(status="failed", reason="no gradient"))
    assert told()[1:] == ["[2/2] b: failed: no gradient"]


def test_with_long_trials_each_has_its_line(lines, make_record):
    watcher, told = lines(every=0.0)
    watcher.planned(["a"], 0, "digits (quick)")
    watcher.recorded("a", make_record(metrics={"test_accuracy": 0.5}, seconds=12.0))
    assert "[1/1] a: ok, test accuracy 50.00 %, 12.0 s" in told()


def test_a_silence_is_broken_by_what_is_going_on(lines, eventually):
    watcher, told = lines(every=0.0)
    watcher.progress("a seed=0", Progress(stage="train", epoch=2, epochs=9))
    eventually(lambda: "a seed=0: epoch 2/9" in told(), what="a line that says what goes on")


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(stage="build"), "build"),
        (
            Progress(stage="train", epoch=1, epochs=3, scalars={"loss": 0.25}),
            "epoch 1/3, loss 0.250",
        ),
        (
            Progress(stage="train", epoch=1, epochs=3, scalars={"loss": 0.25, "accuracy": 0.5}),
            "epoch 1/3, 50.0 %",
        ),
    ],
)
def test_a_trials_state_in_few_words(progress, words):
    assert state(progress) == words


def test_bars_stand_for_what_is_going_on(make_record):
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    bars = RichProgress(TextColumn("{task.description} {task.fields[state]}"), console=console)
    watcher = Bars(console, bars)

    def shown():
        return [(task.description, task.completed, task.total) for task in bars.tasks]

    watcher.doing("importing torch")
    assert shown() == [("importing torch", 0, None)]
    watcher.planned(["a", "b", "c"], 1, "digits (quick)")
    assert shown() == [("trials", 1, 3)]
    watcher.progress("b", Progress(stage="train", done=2, total=5))
    assert shown() == [("trials", 1, 3), ("b", 2, 5)]
    watcher.recorded("b", make_record())
    assert shown() == [("trials", 2, 3)]
    watcher.measuring(3, 10, "latency of a")
    assert shown() == [("measuring", 3, 10)]
    watcher.doing("drawing")
    assert shown() == [("drawing", 0, None)]


def test_a_verbose_watcher_prints_every_stage_once():
    text = io.StringIO()
    watcher = Lines(Console(file=text, width=80), math.inf, verbose=True)
    try:
        for stage in ("build", "train", "train", "save"):
            watcher.progress("a", Progress(stage=stage))
    finally:
        watcher.close()
    assert text.getvalue().splitlines() == ["a: build", "a: train", "a: save"]


def test_a_quiet_watcher_prints_nothing(capsys):
    with watching(quiet=True) as watcher:
        watcher.message("word")
        watcher.doing("word")
    assert capsys.readouterr() == ("", "")
