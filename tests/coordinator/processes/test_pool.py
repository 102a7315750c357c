"""All processes of a command: who is started from what, calls side by side, and the end of them all."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest

from harness.coordinator.processes import pool
from harness.coordinator.processes.pool import FORK, Workers, can_fork, spread
from harness.coordinator.processes.starter import StarterDied
from harness.errors import UsageError
from harness.protocol.events import Described
from harness.protocol.requests import Describe, TakeMemory
from harness.subjects import PluginLocation
from tests.fixtures.forking import HOW, linux

pytestmark = pytest.mark.usefixtures("fake_torch")


@pytest.fixture(params=HOW)
def fork(request):
    return request.param


# --- several at a time ----------------------------------------------------------------------------


def test_calls_run_side_by_side_up_to_the_number_of_jobs():
    together, most, lock = 0, 0, threading.Lock()
    three = threading.Barrier(3)

    def call(number):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        three.wait(60)  # nine calls, three at a time: nobody waits in vain
        with lock:
            together -= 1
        return number

    calls = [lambda n=n: call(n) for n in range(9)]
    assert sorted(spread(calls, 3, Workers())) == list(range(9))
    assert most == 3


def test_whatever_ends_it_early_stops_the_workers_and_starts_no_other_call():
    started = []

    def call(number):
        started.append(number)
        return number

    workers = Workers()
    calls = [lambda n=n: call(n) for n in range(50)]

    def consume():
        for _ in spread(calls, 1, workers):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert workers.stopped
    assert len(started) < 50


def test_a_call_that_raises_ends_it():
    def call():
        raise UsageError("no")

    workers = Workers()
    with pytest.raises(UsageError, match="no"):
        list(spread([call], 2, workers))
    assert workers.stopped


# --- who is forked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "variable", "forks"),
    [("linux", None, True), ("linux", "0", False), ("linux", "1", True), ("darwin", None, False)],
)
def test_workers_are_forked_on_linux_unless_the_variable_says_no(
    monkeypatch, system, variable, forks
):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.delenv(FORK, raising=False)
    if variable is not None:
        monkeypatch.setenv(FORK, variable)
    assert can_fork() == forks


TICKER = """
import threading, time
threading.Thread(target=time.sleep, args=(600,), daemon=True, name="ticker").start()
"""


@pytest.fixture
def frameworks(fake_torch, distribution, monkeypatch, tmp_path):
    """Two frameworks, `quick` and `dies`, whose modules are imported by starters."""
    modules = {
        "quick_framework": f"open({str(tmp_path / 'count')!r}, 'a').write('imported ')",
        "dying_framework": "import os; os._exit(6)",
        "busy_framework": TICKER,
    }
    site = distribution(
        "frameworks",
        preload={
            "quick": "quick_framework",
            "dies": "dying_framework",
            "busy": "busy_framework",
        },
        modules=modules,
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))


def ask(workers, path, framework, log, copy=0):
    with workers.start(log, 1, framework, copy) as worker:
        return worker.ask(Describe(plugin=PluginLocation("mine", file=str(path))), timeout=120)


@linux
@pytest.mark.usefixtures("frameworks")
def test_a_framework_is_imported_once_for_all_its_workers(plugin_file, log, tmp_path):
    code = "import sys; assert 'quick_framework' in sys.modules"
    path = plugin_file("mine", code, base="declared")
    other = plugin_file("other", "import sys; assert 'quick_framework' not in sys.modules")
    with Workers(fork=True) as workers:
        for _ in range(3):
            assert isinstance(ask(workers, path, "quick", log), Described)
        assert (tmp_path / "count").read_text() == "imported "
        # Of a framework that says nothing of the kind, what all have in common is imported alone.
        event = ask(workers, other, "unknown", log)
        assert "does not implement" in event.reason
        # The two processes of what is measured come from two starters.
        assert isinstance(ask(workers, path, "quick", log, copy=1), Described)
        assert (tmp_path / "count").read_text() == "imported imported "


@linux
@pytest.mark.usefixtures("frameworks")
def test_a_framework_whose_import_kills_its_starter_costs_itself_alone(plugin_file, log):
    path = plugin_file("mine", base="declared")
    with Workers(fork=True) as workers:
        for _ in range(2):
            with pytest.raises(StarterDied, match="imports dying_framework ended with exit code 6"):
                ask(workers, path, "dies", log)
        assert isinstance(ask(workers, path, "quick", log), Described)


FRESH = "import os, pathlib; pathlib.Path({!r}).write_text(str(os.getppid()))"


@linux
@pytest.mark.usefixtures("frameworks")
def test_a_framework_whose_import_starts_threads_has_fresh_processes(plugin_file, log, tmp_path):
    path = plugin_file("mine", FRESH.format(str(tmp_path / "parent")), base="declared")
    with Workers(fork=True) as workers:
        assert isinstance(ask(workers, path, "busy", log), Described)
        assert int((tmp_path / "parent").read_text()) == os.getpid()
        assert isinstance(ask(workers, path, "quick", log), Described)
        assert int((tmp_path / "parent").read_text()) != os.getpid()


@linux
@pytest.mark.usefixtures("frameworks")
def test_nothing_is_forked_from_a_base_with_threads(
    plugin_file, log, tmp_path, monkeypatch, processes
):
    monkeypatch.setattr("harness.coordinator.processes.pool.COMMON", "busy_framework")
    path = plugin_file("mine", FRESH.format(str(tmp_path / "parent")), base="declared")
    with Workers(fork=True) as workers:
        for framework in ("quick", ""):
            assert isinstance(ask(workers, path, framework, log), Described)
            assert int((tmp_path / "parent").read_text()) == os.getpid()
        assert not (tmp_path / "count").exists()
    assert processes() == []


@linux
@pytest.mark.usefixtures("frameworks")
@pytest.mark.parametrize("framework", ["quick", ""])
def test_a_starter_that_dies_after_its_imports_is_replaced(
    plugin_file, log, framework, processes, tmp_path
):
    kills = plugin_file("kills", "import os, time; os.kill(os.getppid(), 9); time.sleep(600)")
    path = plugin_file("mine", base="declared")
    with Workers(fork=True) as workers:
        assert isinstance(ask(workers, path, "quick", log), Described)
        for _ in range(2):
            event = ask(workers, kills, framework, log)
            assert (event.status, "SIGKILL" in event.reason) == ("crashed", True)
            assert isinstance(ask(workers, path, framework, log), Described)
            assert isinstance(ask(workers, path, "quick", log), Described)
        assert len(processes()) == 2
    assert processes() == []


@linux
@pytest.mark.usefixtures("frameworks")
def test_what_is_warm_is_not_imported_again(plugin_file, log, tmp_path, eventually):
    with Workers(fork=True) as workers:
        workers.warm(["quick", "quick"], 1)
        eventually(lambda: (tmp_path / "count").exists())
        path = plugin_file("mine", base="declared")
        assert isinstance(ask(workers, path, "quick", log), Described)
        assert (tmp_path / "count").read_text() == "imported "


# --- the end --------------------------------------------------------------------------------------

HANGS = "import subprocess, time; subprocess.Popen(['sleep', '600']); print('hangs', flush=True); "
HANGS += "time.sleep(600)"


def test_a_worker_that_starts_after_the_stop_is_ended_at_once(log, fork, processes):
    with Workers(fork=fork) as workers:
        workers.stop()
        with workers.start(log, 1, "") as worker:
            event = worker.ask(TakeMemory(), timeout=120)
            assert (event.status, "SIGKILL" in event.reason) == ("crashed", True)
    assert processes() == []


def test_stopping_ends_every_worker_now_and_leaving_ends_the_rest(
    log, fork, plugin_file, processes, eventually
):
    path = plugin_file("mine", HANGS)
    with Workers(fork=fork) as workers:
        calls = [lambda: ask(workers, path, "", log)] * 3
        events = []
        asking = threading.Thread(target=lambda: events.extend(spread(calls, 3, workers)))
        asking.start()
        eventually(lambda: log.exists() and log.read_text().count("hangs") == 3)
        workers.stop()
        asking.join(120)
        assert [event.status for event in events] == ["crashed"] * 3
        # What the workers had started ends with them; the starter may serve again.
        eventually(lambda: len(processes()) == (1 if fork else 0))
    assert processes() == []


def test_leaving_the_context_leaves_no_process(log, fork, processes):
    with Workers(fork=fork) as workers:
        for copy in (0, 1):
            with workers.start(log, 1, "", copy) as worker:
                worker.ask(TakeMemory(), timeout=120)
        assert len(processes()) == (2 if fork else 0)
    assert processes() == []


@linux
@pytest.mark.usefixtures("frameworks")
@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3, 1.0])
def test_leaving_while_frameworks_are_being_imported_leaves_no_process(processes, seconds):
    with Workers(fork=True) as workers:
        workers.warm(["quick", "dies"], 1, copies=2)
        time.sleep(seconds)
    time.sleep(0.5)  # whatever was still about to be started would be now
    assert processes() == []


def test_a_log_that_cannot_be_written_is_a_usage_error(tmp_path, fork):
    with (
        Workers(fork=fork) as workers,
        pytest.raises(UsageError, match=r"cannot start a worker that logs to .*no-folder"),
        workers.start(tmp_path / "no-folder" / "log", 1, ""),
    ):
        pass


def test_no_more_processes_is_a_usage_error(tmp_path, monkeypatch):
    def no_process(*_args, **_options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("subprocess.Popen", no_process)
    with (
        pool.Workers(fork=False) as workers,
        pytest.raises(UsageError, match="temporarily unavailable"),
        workers.start(tmp_path / "log"),
    ):
        pass


def test_an_interpreter_of_its_own_runs_a_worker_and_finds_nothing_by_the_shells_path(
    fork, plugin_file, log, tmp_path, monkeypatch
):
    folder = tmp_path / "only-here"
    folder.mkdir()
    (folder / "shadow.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ["PYTHONPATH"]]))
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\necho started >> {tmp_path}/count\n"
        f'PYTHONPATH="{os.environ["PYTHONPATH"].split(os.pathsep, 1)[1]}" exec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    path = plugin_file("mine", "import shadow", base="declared")
    with Workers(fork=fork) as workers:
        answers = []
        for interpreter in ("", str(python), str(python)):
            with workers.start(log, 1, "", 0, interpreter) as worker:
                location = PluginLocation("mine", file=str(path))
                answers.append(worker.ask(Describe(plugin=location), timeout=120))
    assert isinstance(answers[0], Described)
    assert "No module named 'shadow'" in answers[1].reason
    assert "No module named 'shadow'" in answers[2].reason
    # A forked worker needs no interpreter of its own: one starter for both.
    assert (tmp_path / "count").read_text().split() == ["started"] * (1 if fork else 2)
