from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

torch = pytest.importorskip("torch")

from harness import cgroup
from harness.measure import memory

CPU, MIB = torch.device("cpu"), 2**20
CLEAR_REFS = Path("/proc/self/clear_refs")


@pytest.fixture(params=["kernel", "sampled"])
def takes(request, monkeypatch, eventually):
    """A call that takes MiB and gives them back: by the kernel's own peak, and where it keeps none.

    A sampled peak is a lower bound: a call that is over between two samples was not seen. So this one
    keeps its memory until a sample was taken that began after it had it.
    """
    samples = []
    if request.param == "kernel" and not CLEAR_REFS.exists():
        pytest.skip("this kernel keeps no peak that can be reset")
    if request.param == "sampled":
        write_text, memory_info = Path.write_text, psutil.Process.memory_info

        def refuse(path, *arguments, **options):
            if path == CLEAR_REFS:
                raise PermissionError(path)
            return write_text(path, *arguments, **options)

        def sample(process):
            found = memory_info(process)
            if threading.current_thread() is not threading.main_thread():
                samples.append(found)
            return found

        monkeypatch.setattr(Path, "write_text", refuse)
        monkeypatch.setattr(psutil.Process, "memory_info", sample)

    def take(mib):
        def call():
            held = torch.ones(mib * MIB, dtype=torch.uint8)
            if request.param == "sampled":
                before = len(samples)
                eventually(lambda: len(samples) >= before + 2, what="a sample")
            return held

        return call

    return take


def test_a_peak_is_that_of_the_call_though_it_gave_all_back(takes):
    found = memory.peak_memory(takes(64), CPU)
    assert found.keys() == {"peak_memory_bytes"}
    assert 60 * MIB < found["peak_memory_bytes"] < 80 * MIB


def test_what_was_held_or_freed_before_does_not_count(takes):
    held = torch.ones(128 * MIB, dtype=torch.uint8)
    torch.ones(256 * MIB, dtype=torch.uint8)
    found = memory.peak_memory(takes(32), CPU)["peak_memory_bytes"]
    assert 28 * MIB < found < 48 * MIB
    assert len(held) == 128 * MIB


def test_a_call_that_takes_nothing_has_almost_no_peak(takes):
    assert 0 <= memory.peak_memory(takes(0), CPU)["peak_memory_bytes"] < 4 * MIB


def test_an_error_in_the_call_comes_through_and_leaves_no_watcher(takes):
    def fail():
        raise ValueError("inside")

    before = threading.active_count()
    with pytest.raises(ValueError, match="inside"):
        memory.peak_memory(fail, CPU)
    assert threading.active_count() == before


@pytest.mark.parametrize(("left", "expected"), [(None, 5000), (1000, 1000), (0, 0), (9000, 5000)])
def test_available_memory_is_the_hosts_or_what_the_container_leaves_of_it(
    monkeypatch, left, expected
):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5000))
    monkeypatch.setattr(cgroup, "free_bytes", lambda: left)
    assert memory.available_memory(CPU) == expected


def test_a_footprint_is_the_bytes_of_parameters_and_buffers():
    model = torch.nn.Linear(3, 5).double()
    model.register_buffer("state", torch.zeros(7, dtype=torch.float32))
    assert memory.footprint(model) == {"parameters": 20, "footprint_bytes": 20 * 8 + 7 * 4}
