from __future__ import annotations

import gc
import time

import pytest

torch = pytest.importorskip("torch")

from harness.measure.clock import exempt_from_collection, no_collection, timed

CPU = torch.device("cpu")


def test_the_time_of_a_call_and_its_result():
    seconds, result = timed(lambda: time.sleep(0.05) or "result", CPU)
    assert result == "result"
    assert 0.05 <= seconds < 5


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


def test_what_is_exempt_is_not_walked_again_and_later_garbage_is_collected(cycle):
    exempt_from_collection()
    try:
        assert len(gc.get_objects()) < gc.get_freeze_count()
        cycle()
        with no_collection():
            assert cycle.alive == 0
    finally:
        gc.unfreeze()


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
