"""Batch sizes swept, on calls whose time the test makes up."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from harness.worker.sessions import sweep as module
from harness.worker.sessions.sweep import sweep


@pytest.fixture
def swept(monkeypatch):
    """A sweep of calls that take `seconds(batch)`; nothing else takes time."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(module, "perf_counter", lambda: Clock.now)

    def run(seconds, largest=10_000, limit=1.0, **options):
        def call(batch):
            Clock.now += seconds(batch)
            return seconds(batch)

        Clock.now = 0.0
        found = sweep(call, largest, limit, **options)
        return found, Clock.now

    return run


def batches(found):
    return [point.batch for point in found.points]


def test_batches_are_doubled_until_the_rate_gains_less_than_5_percent_twice(swept):
    found, _ = swept(lambda batch: 0.0001 * max(1, batch / 8))
    assert batches(found) == [1, 2, 4, 8, 16, 32]
    assert found.ended == "flat"
    assert found.points[0].ms == pytest.approx(0.1)
    assert [point.rate for point in found.points[-3:]] == pytest.approx([80_000] * 3)


def test_one_batch_that_does_not_gain_is_not_the_end(swept):
    """At 8 samples there is a dip."""
    found, _ = swept(lambda batch: 0.0001 * (3 if batch == 8 else 1) * max(1, batch / 64))
    assert batches(found) == [1, 2, 4, 8, 16, 32, 64, 128, 256]


def test_the_last_batch_is_all_the_data_there_are(swept):
    found, _ = swept(lambda batch: 0.0001, largest=50)
    assert batches(found) == [1, 2, 4, 8, 16, 32, 50]
    assert found.ended == "data"


def test_it_ends_before_a_batch_that_would_take_too_long(swept):
    found, lasted = swept(lambda batch: 0.01 * batch**0.9, limit=1.0)
    assert found.ended == "time"
    assert lasted <= 1.2
    assert batches(found)[-1] == 8


def test_one_batch_is_measured_however_long_it_takes(swept):
    found, _ = swept(lambda batch: 5.0, limit=1.0)
    assert (batches(found), found.ended) == ([1], "time")


def test_it_ends_before_a_batch_that_does_not_fit(swept):
    found, _ = swept(lambda batch: 0.0001, fits=lambda batch: batch < 20)
    assert (batches(found), found.ended) == ([1, 2, 4, 8, 16], "memory")
