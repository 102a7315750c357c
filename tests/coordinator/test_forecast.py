"""Forecasts, from workers that answer at once."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from harness.cli.forecast import forecast_lines, spoken
from harness.config.options import RunConfig, make_config
from harness.coordinator import forecast as module
from harness.coordinator.executors import job
from harness.coordinator.forecast import Expected, Forecast, probe
from harness.coordinator.listener import Listener
from harness.coordinator.plan import Planned
from harness.protocol.events import Failed, Prepared, Progress, Trained
from harness.subjects import Trial


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""

    class Clock:
        now = 0.0

    for each in (module, job):
        monkeypatch.setattr(each, "monotonic", lambda: Clock.now)
    return Clock


class Slow:
    """Takes a second to start and to build, two for the first step and one for each of the others."""

    def __init__(self, clock, asked, answer=None):
        self.clock, self.asked, self.answer = clock, asked, answer

    @contextmanager
    def start(self, log, threads, framework, **_where):
        yield self

    def ask(self, request, timeout, progress):
        self.asked.append(request.trial)
        self.clock.now += 1
        progress(Progress(stage="build"))
        self.clock.now += 1
        progress(Progress(stage="train"))
        self.clock.now += 2
        progress(Progress(stage="train", done=1))
        self.clock.now += request.trial.row.limit / 50 - 1
        progress(Progress(stage="finish"))
        progress(Progress(stage="evaluate test"))
        self.clock.now += 3
        progress(Progress(stage="save"))
        return self.answer or Trained(versions={}, metrics={}, layers=[], history=[])

    def stop(self):
        pass


def planned_of(make_plugin, make_row, seeds=(0,), **changes):
    params = {"epochs": 10, "batch_size": 50}
    return [
        Planned(
            Trial(row=make_row(plugin="p", params=params), seed=seed),
            make_plugin("p"), name="p", **changes,
        )
        for seed in seeds
    ]  # fmt: skip


def test_a_few_batches_tell_what_all_of_them_take(make_plugin, make_row, clock):
    asked = []
    planned = planned_of(make_plugin, make_row, seeds=(0, 1))
    config = make_config(
        RunConfig, {"plugins": ("p",), "seeds": (0, 1), "jobs": 1, "timing": False}
    )
    splits = {"train": 1257, "validation": 180, "test": 360}
    data = Prepared(path="unused", facts={"splits": splits})
    found = probe(planned, config, data, Slow(clock, asked), Listener())
    (few,) = asked
    assert (few.row.limit, few.row.params["epochs"]) == (200, 1)
    (row,) = found.rows
    # digits: 1257 samples in 26 steps of each of 10 epochs; 180 to validate, twice 360 to test.
    assert row.seconds == pytest.approx(1 + 1 + 2 + (10 * 26 - 1) + 3 * (180 + 720) / (180 + 400))
    assert (row.trials, found.trials, found.measuring_seconds) == (2, 2, 0)
    assert found.seconds == pytest.approx(2 * row.seconds)


def test_a_row_that_cannot_run_says_why(make_plugin, make_row, clock):
    config = make_config(RunConfig, {"plugins": ("p",), "seeds": (0,), "jobs": 1})
    data = Prepared(path="unused", facts={})
    fails = Failed(status="failed", reason="no")
    for planned, answer in (
        (planned_of(make_plugin, make_row), fails),
        (planned_of(make_plugin, make_row, refused=fails), None),
    ):
        found = probe(planned, config, data, Slow(clock, [], answer), Listener())
        assert found.rows == [Expected("p", 1, None, "failed: no")]
        assert (found.seconds, found.measuring_seconds) == (0, 0)


def test_a_forecast_is_told_in_a_line_a_row():
    rows = [Expected("long name", 2, 100.0), Expected("b", 1, None, "skipped: no")]
    assert list(forecast_lines(Forecast(rows, jobs=2, measuring_seconds=60.0))) == [
        "long name  2 trials, about 2 min each",
        "b          1 trial, skipped: no",
        "2 rows, 3 trials, 2 at once: about 3 min, 60 s of it measuring; "
        "without 1 row that cannot run",
        "nothing was kept (--dry-run)",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (100, "2 min"), (9000, "2.5 h")]
)
def test_times_are_in_the_unit_that_fits(seconds, words):
    assert spoken(seconds) == words


def test_tasks_come_one_after_the_other():
    one = Forecast([Expected("a", 4, 10.0, task="one")], jobs=2, measuring_seconds=5)
    two = Forecast([Expected("a", 1, 30.0, task="two")], jobs=2, measuring_seconds=7)
    both = Forecast.of([one, two])
    assert (both.trials, both.measuring_seconds) == (5, 12)
    assert both.seconds == one.seconds + two.seconds == 62
