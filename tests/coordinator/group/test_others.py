"""What other programs use of the machine while a group is measured."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from harness.coordinator.group import others
from harness.coordinator.group.others import Others

SPIN = "import time\nend = time.perf_counter() + 1.5\nwhile time.perf_counter() < end: pass"


@pytest.fixture
def system(monkeypatch):
    """The system's counters, which go on by `machine` and `steal` CPU seconds in ten seconds."""

    def goes_on(machine, steal=0.0):
        clock = iter((0.0, 10.0))
        used = iter(((0.0, 0.0), (machine, steal)))

        def cpu_times():
            user, stolen = next(used)
            return type("Times", (), {"user": user, "steal": stolen})()

        monkeypatch.setattr(others, "perf_counter", lambda: next(clock))
        monkeypatch.setattr(psutil, "cpu_times", cpu_times)
        return Others().used()

    return goes_on


def test_what_others_used_and_what_the_host_withheld_are_in_cores(system):
    used = system(machine=6.0, steal=2.0)
    assert used["cores"] == pytest.approx(0.6, abs=0.05)
    assert used["steal"] == 0.2
    assert used["of"] == psutil.cpu_count()


def test_where_the_system_does_not_count_nothing_is_claimed(system, monkeypatch, tmp_path):
    assert system(machine=0.0) == {}
    monkeypatch.setattr(others, "STAT", tmp_path / "missing")
    assert Others().used() == {}


@pytest.mark.skipif(not others.STAT.exists(), reason="no /proc/stat")
def test_the_commands_own_processes_are_not_others(monkeypatch):
    """Those that stand and those that have ended, beside whatever else this machine does."""
    machine = [0.0]
    monkeypatch.setattr(psutil, "cpu_times", lambda: type("Times", (), {"user": machine[0]})())
    counted = Others()
    subprocess.run([sys.executable, "-c", SPIN], check=True)
    standing = subprocess.Popen([sys.executable, "-c", SPIN + "\ntime.sleep(60)"])
    time.sleep(2.5)
    machine[0] = 1000.0
    wall = 1000 / counted.used()["cores"]
    standing.kill()
    standing.wait()
    assert wall > 1
