from __future__ import annotations

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from harness.coordinator.processes.worker_environment import worker_environment

MEASURED = """
import json, torch
from harness.measure.memory import peak_memory

def peak(size):
    call = lambda: torch.ones(size, dtype=torch.uint8)
    return peak_memory(call, torch.device("cpu"))["peak_memory_bytes"]

peak(1)
taken = [torch.ones(300_000) for _ in range(10)] + [torch.ones(20_000_000, dtype=torch.uint8)]
del taken
print(json.dumps([peak(size) for size in json.loads(input())]))
"""


def test_a_worker_counts_what_a_call_takes_to_a_small_page():
    """Its allocator asks for pages of 2 MiB: of these, a call would take none or one."""
    sizes = [100_000, 1_000_000, 3_000_000, 10_000_000]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED],
        input=json.dumps(sizes),
        env=worker_environment(1),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == pytest.approx(sizes, abs=50_000)
