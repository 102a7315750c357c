"""What is left of workers that have died."""

from __future__ import annotations

import subprocess
import sys

from harness.coordinator.processes.survivors import kill_survivors, kills_by_the_kernel, survivors
from harness.coordinator.processes.worker_environment import TOKEN, worker_environment

#: Leaves a child in a session of its own, and is gone.
LEAVES_A_CHILD = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
"""


def test_what_carries_the_token_is_killed_and_nothing_else(eventually):
    def start(token):
        command = [sys.executable, "-c", LEAVES_A_CHILD]
        subprocess.run(command, env=worker_environment(1, token), check=True)

    start("mine.1")
    start("other")
    assert eventually(lambda: len(survivors("mine")) == len(survivors("other")) == 1)
    kill_survivors("mine")
    assert survivors("mine") == []
    (left,) = survivors("other")
    assert left.environ()[TOKEN] == "other"
    kill_survivors("other")


def test_the_kernel_tells_how_often_memory_ran_out(tmp_path):
    counters = tmp_path / "vmstat"
    counters.write_text("nr_free_pages 5\noom_kill 3\nother 1\n")
    assert kills_by_the_kernel(counters) == 3
    counters.write_text("nr_free_pages 5\n")
    assert kills_by_the_kernel(counters) == 0
    assert kills_by_the_kernel(tmp_path / "none") == 0
