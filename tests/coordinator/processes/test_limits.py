"""What a worker may take of memory and of the disk."""

from __future__ import annotations

import psutil
import pytest

from harness.coordinator.processes.limits import LOG_BYTES, cut, used_bytes
from harness.coordinator.processes.pool import Workers
from harness.protocol.events import Described
from harness.protocol.requests import Describe
from harness.subjects import PluginLocation


def test_a_log_keeps_its_beginning_and_its_end(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"first" + b"x" * 5000 + b"last")
    left_out = cut(log, most=1000)
    text = log.read_bytes()
    assert len(text) <= 1000
    assert text.startswith(b"first")
    assert text.endswith(b"last")
    assert b"bytes are left out" in text
    with log.open("ab") as file:
        file.write(b"y" * 3000 + b"the end")
    left_out = cut(log, left_out, most=1000)
    text = log.read_bytes()
    assert len(text) <= 1000
    assert text.count(b"bytes are left out") == 1
    assert text.startswith(b"first")
    assert text.endswith(b"the end")
    mark = text[text.index(b"\n...") : text.rindex(b"...\n") + 4]
    assert left_out + len(text) - len(mark) == 5 + 5000 + 4 + 3000 + 7
    assert str(left_out).encode() in mark


def test_a_short_log_is_left_as_it_is(tmp_path):
    (tmp_path / "log").write_bytes(b"x" * 1000)
    assert cut(tmp_path / "log", most=1000) == 0
    assert (tmp_path / "log").read_bytes() == b"x" * 1000
    assert cut(tmp_path / "none") == 0


def test_memory_is_looked_at_closely_only_where_it_may_be_too_much():
    process = psutil.Process()
    resident = used_bytes([process], enough=2**60)
    assert 0 < used_bytes([process], enough=0) <= resident * 1.1


@pytest.fixture
def describe(plugin_file, log, fake_torch):
    """Asks a worker with at most `memory` GiB to describe a plugin with `code` run at its import."""

    def ask(code, memory=None):
        path = plugin_file("mine", code, base="declared")
        request = Describe(plugin=PluginLocation("mine", file=str(path)))
        with Workers(fork=False, memory=memory) as workers, workers.start(log) as worker:
            return worker.ask(request, timeout=120)

    return ask


def test_a_worker_that_takes_too_much_memory_is_ended(describe):
    event = describe("import time\ntaken = bytearray(b'x') * 400_000_000\ntime.sleep(600)", 0.25)
    assert (event.status, event.where) == ("oom", "import")
    assert event.reason == "took more than 0.25 GiB of memory (--memory)"


def test_what_its_children_take_counts(describe):
    code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', "
        "'import time; taken = bytearray(b\"x\") * 400_000_000; time.sleep(600)'])\n"
        "time.sleep(600)"
    )
    assert describe(code, 0.25).status == "oom"


def test_a_log_that_grows_without_bounds_is_cut_while_its_worker_runs(describe):
    code = (
        "import os, time\n"
        "os.ftruncate(2, 200_000_000)\n"
        "while os.fstat(2).st_size > 100_000_000:\n"
        "    time.sleep(0.01)"
    )
    assert isinstance(describe(code), Described)


def test_a_plugin_that_prints_without_end_neither_fills_the_disk_nor_waits(describe, log):
    event = describe("for _ in range(300): print('flood ' * 20_000)\nprint('at last')")
    assert isinstance(event, Described)
    text = log.read_bytes()
    assert len(text) <= LOG_BYTES
    assert text.startswith(b"flood")
    assert text.rstrip().endswith(b"at last")
