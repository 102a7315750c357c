"""What a starter imports for all workers must leave nothing behind that does not survive a fork."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from harness.coordinator.processes.worker_environment import STARTERS, worker_environment

LOOKS = """
import harness.worker.preload
import psutil, threading, torch
print(psutil.Process().num_threads(), threading.active_count(), torch.cuda.is_initialized())
"""


def test_importing_everything_starts_no_thread_and_no_cuda():
    command = [sys.executable, "-c", LOOKS]
    found = subprocess.run(
        command, env=worker_environment(1), capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["1", "1", "False"]


ASKS = """
import torch
torch._C._cuda_getDeviceCount = lambda: print("CUDA was asked") or 0
torch.cuda._raw_device_count_nvml = lambda: 1
print(torch.cuda.is_available())
"""


@pytest.mark.skipif(not torch.cuda._is_compiled(), reason="a torch without CUDA asks nobody")
def test_a_module_that_asks_for_a_gpu_when_it_is_imported_asks_the_driver():
    """Were CUDA asked, no process forked from here could use it."""
    command = [sys.executable, "-c", ASKS]
    environment = worker_environment(1) | STARTERS | {"CUDA_VISIBLE_DEVICES": "0"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True"]
