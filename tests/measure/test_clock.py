from __future__ import annotations

import gc
import subprocess
import sys
import time

import pytest

torch = pytest.importorskip("torch")

from harness.measure import clock
from harness.measure.clock import (
    cpu_seconds,
    event_seconds,
    exempt_from_collection,
    no_collection,
    timed,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def collector():
    """The garbage collector as Python starts it, whatever earlier tests have left; and as it was after."""
    enabled = gc.isenabled()
    gc.unfreeze()
    gc.enable()
    gc.collect()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


def test_the_time_of_a_call_and_its_result():
    seconds, result = timed(lambda: time.sleep(0.05) or "result", CPU)
    assert result == "result"
    assert 0.05 <= seconds < 5


class FakeCuda:
    """A GPU with two streams: work is queued, and done by the time of a synchronisation."""

    def __init__(self):
        self.now, self.ends = 0.0, {"current": 0.0, "own": 0.0}

    def queue(self, seconds, stream="current"):
        """Work on a stream: the host goes on at once."""
        self.ends[stream] = max(self.now, self.ends[stream]) + seconds

    def synchronize(self, device):
        self.now = max(self.now, *self.ends.values())

    def current_stream(self, device):
        return "current"

    def Event(self, enable_timing):  # noqa: N802 (torch's own name)
        return FakeEvent(self)


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self, stream):
        self.at = max(self.cuda.now, self.cuda.ends[stream])

    def elapsed_time(self, end):
        return 1000 * (end.at - self.at)


@pytest.fixture
def cuda(monkeypatch):
    fake = FakeCuda()
    for name in ("synchronize", "current_stream", "Event"):
        monkeypatch.setattr(torch.cuda, name, getattr(fake, name))
    monkeypatch.setattr(clock, "perf_counter", lambda: fake.now)
    return fake


@pytest.mark.parametrize(("stream", "seen_by_events"), [("current", 0.25), ("own", 0.0)])
def test_work_on_any_stream_of_a_gpu_is_timed_by_the_hosts_clock(cuda, stream, seen_by_events):
    device = torch.device("cuda")
    assert timed(lambda: cuda.queue(0.25, stream) or "done", device) == (0.25, "done")
    assert event_seconds(lambda: cuda.queue(0.25, stream), device) == pytest.approx(seen_by_events)


def test_work_that_was_queued_before_is_not_timed(cuda):
    cuda.queue(3.0, "own")
    assert timed(lambda: cuda.queue(0.25), torch.device("cuda"))[0] == 0.25


@pytest.fixture
def cycle():
    """A class whose objects refer to themselves, and which counts those alive."""

    class Cycle:
        alive = 0

        def __init__(self):
            self.me = self
            Cycle.alive += 1

        def __del__(self):
            Cycle.alive -= 1

    return Cycle


def test_nothing_is_collected_inside_and_everything_before(cycle):
    cycle()
    with no_collection():
        assert cycle.alive == 0
        assert not gc.isenabled()
        for _ in range(5000):
            cycle()
        assert cycle.alive == 5000
    assert gc.isenabled()


def is_walked(kept):
    """Whether a collection would look at `kept`."""
    return any(each is kept for each in gc.get_objects())


def test_what_is_exempt_is_not_walked_again_and_later_garbage_is_collected(cycle):
    before = cycle()
    assert is_walked(before)
    exempt_from_collection()
    assert not is_walked(before)
    after = cycle()
    assert is_walked(after)
    del after
    with no_collection():
        assert cycle.alive == 1
    assert before.me is before


def test_what_is_garbage_already_is_collected_and_not_exempt(cycle):
    cycle()
    exempt_from_collection()
    assert cycle.alive == 0


def test_collection_stays_as_it_was_found_after_an_error_too():
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(ValueError, match="inside"), no_collection():
        raise ValueError("inside")
    assert gc.isenabled()


WORKS = """
import time
while time.process_time() < 0.1:
    pass
print("done", flush=True)
input()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists the children")
def test_what_another_process_works_for_this_one_counts():
    before = cpu_seconds()
    with subprocess.Popen(
        [sys.executable, "-c", WORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        assert cpu_seconds() - before > 0.08  # in steps of 10 ms
        child.communicate(b"\n")
    assert cpu_seconds() - before > 0.08
