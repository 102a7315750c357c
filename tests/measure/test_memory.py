from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.measure import memory

CPU, MIB = torch.device("cpu"), 2**20


def takes(mib):
    return lambda: torch.ones(mib * MIB, dtype=torch.uint8)


@pytest.fixture(params=["kernel", "polled"])
def method(request, monkeypatch, tmp_path):
    """By the peak that the kernel keeps, and by sampling where it keeps none."""
    if request.param == "polled":
        monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path / "no" / "such" / "file")
    elif not memory._CLEAR_REFS.exists():
        pytest.skip("this kernel keeps no peak that can be reset")


def test_a_peak_is_that_of_the_call_though_it_gave_all_back(method):
    found = memory.peak_memory(takes(64), CPU)
    assert found.keys() == {"peak_memory_bytes"}
    assert 60 * MIB < found["peak_memory_bytes"] < 80 * MIB


def test_what_was_held_or_freed_before_does_not_count(method):
    held = torch.ones(128 * MIB, dtype=torch.uint8)
    takes(256)()
    found = memory.peak_memory(takes(32), CPU)["peak_memory_bytes"]
    assert 28 * MIB < found < 48 * MIB
    assert len(held) == 128 * MIB


def test_a_call_that_takes_nothing_has_almost_no_peak(method):
    assert 0 <= memory.peak_memory(lambda: None, CPU)["peak_memory_bytes"] < 4 * MIB


def test_an_error_in_the_call_comes_through(method):
    def fail():
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        memory.peak_memory(fail, CPU)


def test_a_footprint_is_the_bytes_of_parameters_and_buffers():
    model = torch.nn.Linear(3, 5).double()
    model.register_buffer("state", torch.zeros(7, dtype=torch.float32))
    assert memory.footprint(model) == {"parameters": 20, "footprint_bytes": 20 * 8 + 7 * 4}
