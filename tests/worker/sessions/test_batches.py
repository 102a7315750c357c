"""Which batches fit, by what smaller ones took."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.worker.sessions import batches
from harness.worker.sessions.batches import fits, largest_batch

CPU = torch.device("cpu")
KIND = "peak_memory_bytes"


@pytest.fixture
def machine(monkeypatch):
    """One with `free` bytes, on which a sample takes `each`."""

    def make(free, each=1.0):
        sizes = []
        monkeypatch.setattr(batches, "available_memory", lambda device: free)
        monkeypatch.setattr(
            batches, "peak_memory", lambda call, device: call() and {KIND: each * sizes[-1]}
        )
        return lambda size, seconds=1e-6: sizes.append(size) or seconds * size

    return make


def test_a_batch_is_doubled_as_long_as_half_the_memory_would_hold_it(machine):
    assert largest_batch(machine(4000), 250, 10_000, CPU) == 2000
    assert largest_batch(machine(1e9), 250, 600, CPU) == 600
    assert largest_batch(machine(100), 250, 600, CPU) == 250


def test_a_batch_that_does_not_fit_the_card_is_halved(monkeypatch):
    """As torch says it on a GPU: more than 100 samples are too many."""

    def no_room(size):
        if size > 100:
            raise torch.OutOfMemoryError("no room")
        return 1e-4

    monkeypatch.setattr(batches, "available_memory", lambda device: 0)
    monkeypatch.setattr(batches, "peak_memory", lambda call, device: call() and {KIND: 1.0})
    assert largest_batch(no_room, 300, 300, CPU) == 75


def test_a_batch_of_a_sweep_fits_by_the_memory_of_half_of_it(machine):
    assert fits(machine(0), 32, CPU)
    assert fits(machine(512), 256, CPU)
    assert not fits(machine(511), 256, CPU)
