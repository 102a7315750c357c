"""What a starter imports for all workers must leave nothing behind that does not survive a fork."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

from harness.coordinator.processes.worker_environment import worker_environment

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
