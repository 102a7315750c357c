"""Workers from outside: real processes, on plugin files that misbehave while they are imported.

They find a stand-in of torch, so these tests are quick and run where torch is not installed. Each
runs twice: on fresh processes, and on those that a starter forks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.coordinator.processes.process import Worker, ending
from harness.protocol.events import Described, Failed
from harness.protocol.requests import Describe, Prepare, TakeMemory
from harness.subjects import PluginLocation, TaskLocation


def description_of(path):
    return Describe(plugin=PluginLocation(Path(path).stem, file=str(path)))


@pytest.fixture
def describe(plugin_file, log, workers):
    """Asks a worker to describe the declared plugin with `code` run at its import."""

    def ask(code="", timeout=None, progress=lambda _: None, threads=1, name="mine"):
        path = plugin_file(name, code, base="declared")
        with workers.start(log, threads, "") as worker:
            return worker.ask(description_of(path), timeout, progress)

    return ask


@pytest.fixture
def interpreter(tmp_path):
    """A program in the place of the worker's interpreter."""

    def write(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


# --- a worker that does as it should --------------------------------------------------------------


def test_files_in_the_current_folder_are_not_imported(describe, tmp_path, monkeypatch):
    """Not even those that are called as a library that every worker imports."""
    folder = tmp_path / "unrelated"
    folder.mkdir()
    for name in ("random", "pydantic", "pluggy"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the current folder')")
    monkeypatch.chdir(folder)
    assert isinstance(describe(), Described)


def test_a_plugin_describes_itself(describe):
    stages = []
    event = describe(progress=lambda progress: stages.append(progress.stage))
    assert isinstance(event, Described)
    assert event.parameters["hidden"] == {
        "default": 64, "help": "units", "low": 1, "high": 1024, "choices": None, "pattern": None,
        "file": False, "where": {},
    }  # fmt: skip
    assert event.values == {"quick": {"*": {}}, "source": {"mnist": {"hidden": 100}}}
    assert stages == ["import"]


def test_prints_go_to_the_log_and_never_into_the_protocol(describe, log):
    code = (
        "import os, subprocess, sys\n"
        "print('from print')\n"
        "os.write(1, b'from the descriptor\\n')\n"
        "sys.__stdout__.write('from __stdout__\\n')\n"
        "subprocess.run(['echo', 'from a child'])\n"
        'print(\'{"type": "failed", "status": "ok", "reason": "forged"}\')\n'
        "print('flood ' * 200_000)"
    )
    assert isinstance(describe(code), Described)
    text = log.read_text()
    for word in ("print", "the descriptor", "__stdout__", "a child"):
        assert f"from {word}\n" in text
    assert text.count("flood") == 200_000


def test_a_plugin_that_reads_input_gets_none_and_takes_no_request(describe):
    assert isinstance(describe("import sys; assert sys.stdin.read() == ''"), Described)


def test_the_threads_are_set_before_any_library_loads(describe):
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    code = f"import os; assert all(os.environ[name] == '3' for name in {names})"
    event = describe(code, threads=3)
    assert isinstance(event, Described), event


def test_the_environment_is_the_coordinators_of_now(describe, monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_TEST_WORD", "hello")
    monkeypatch.chdir(tmp_path)
    code = (
        "import os; assert os.environ['HARNESS_TEST_WORD'] == 'hello'\n"
        f"assert os.getcwd() == {str(tmp_path)!r}"
    )
    assert isinstance(describe(code), Described)


def test_a_file_may_be_called_like_the_library_it_imports(describe):
    event = describe("import json; json.dumps(1)", name="json")
    assert isinstance(event, Described), event


def test_a_worker_serves_one_request_after_another(workers, log):
    with workers.start(log, 1, "") as worker:
        for _ in range(2):
            event = worker.ask(TakeMemory())
            assert (event.status, event.where) == ("failed", "start")
            assert "before anything was opened" in event.reason


def test_a_worker_leads_a_process_group_of_its_own(describe, tmp_path):
    path = tmp_path / "pid"
    code = (
        "import os\n"
        "assert os.getpid() == os.getpgid(0) == os.getsid(0)\n"
        f"open({str(path)!r}, 'w').write(str(os.getpid()))"
    )
    assert isinstance(describe(code), Described)
    assert int(path.read_text()) != os.getpid()


# --- a worker that does not -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("raise ValueError('bad\\nworse')", "failed", "ValueError: bad\\nworse"),
        ("raise RuntimeError", "failed", "RuntimeError: no message"),
        ("import no_such_module", "failed", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise MemoryError('a lot')", "oom", "MemoryError: a lot"),
        ("class OutOfMemoryError(Exception): pass\nraise OutOfMemoryError('x')", "oom", "x"),
        ("raise RuntimeError(\"can't allocate memory: 9 bytes\")", "oom", "allocate"),
        ("raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
        ("import sys; sys.exit(3)", "crashed", "called exit(3)"),
        ("import sys; sys.exit()", "crashed", "called exit(None)"),
        ("import os; os._exit(7)", "crashed", "the process ended with exit code 7"),
        ("import os; os._exit(0)", "crashed", "the process ended with exit code 0"),
        ("import os; os.kill(os.getpid(), 11)", "crashed", "the process was killed by SIGSEGV"),
        ("import os; os.abort()", "crashed", "the process was killed by SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "by SIGKILL (often the system running"),
        ("import os; os.kill(os.getpid(), 35)", "crashed", "the process was killed by signal 35"),
        ("del harness_encode", "invalid", "mine does not implement harness_encode"),
        ("harness_presets = hookimpl(lambda: 5, specname='harness_presets')", "invalid",
         "harness_presets: returned int, wanted Presets"),
        ("harness_presets = hookimpl(lambda: None, specname='harness_presets')", "invalid",
         "harness_presets: returned nothing, wanted Presets"),
        ("harness_presets = hookimpl(lambda: Presets({}), specname='harness_presets')", "invalid",
         "harness_presets: parameter 'epochs' is missing: add it"),
        ("@hookimpl\ndef harness_encod(): pass", "invalid", "unknown hook harness_encod: did you mean"),
        ("@hookimpl\ndef harness_evaluate(modle): pass", "invalid", "did you mean `model`?"),
        ("HARNESS_CONTRACT = '99.0'", "invalid", "is written for contract 99.0"),
    ],
)  # fmt: skip
def test_whatever_becomes_of_a_worker_is_an_answer_with_a_reason(describe, code, status, reason):
    event = describe(code, timeout=120)
    assert isinstance(event, Failed)
    assert event.status == status
    assert reason in event.reason
    assert event.where in ("import", "harness_presets")
    assert isinstance(describe(timeout=120), Described), "the next worker is none the worse"


def test_the_traceback_is_in_the_log(describe, log):
    describe("def deep():\n    raise ValueError('here')\ndeep()")
    assert "in deep" in log.read_text()
    assert "ValueError: here" in log.read_text()


def test_an_interrupt_in_the_terminal_is_not_the_workers_to_handle(describe):
    assert isinstance(describe("import os, signal; os.kill(os.getpid(), signal.SIGINT)"), Described)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (-9, "was killed by SIGKILL (often the system running out of memory)"),
        (-15, "was killed by SIGTERM"),
        (-40, "was killed by signal 40"),
    ],
)
def test_the_end_of_a_process_is_told_in_words(code, words):
    assert ending(code) == words


# --- timeouts and orphans -------------------------------------------------------------------------

HANGS_WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({path!r}, "w").write(str(child.pid) + "\\n")
time.sleep(600)
"""


def pid_in(path):
    text = Path(path).read_text() if Path(path).exists() else ""
    return int(text) if text.endswith("\n") else None


def test_a_timeout_ends_the_worker_and_everything_that_it_started(
    workers, plugin_file, log, tmp_path, eventually, gone
):
    """The worker is timed from its request on: the test's asks the file first how long that takes."""
    code = HANGS_WITH_A_CHILD.format(path=str(tmp_path / "pid"))
    path = plugin_file("mine", code, base="declared")
    with workers.start(log, 1, "") as worker:
        assert worker.ask(TakeMemory()).status == "failed"  # it stands
        start = time.monotonic()
        event = worker.ask(description_of(path), timeout=8)
    assert (event.status, event.reason) == ("timeout", "took longer than 8 s")
    assert event.where == "import"
    assert time.monotonic() - start >= 8
    pid = eventually(lambda: pid_in(tmp_path / "pid"))
    eventually(lambda: gone(pid), what="the child's end")


def test_a_timeout_that_is_not_reached_changes_nothing(describe):
    assert isinstance(describe(timeout=120), Described)


@pytest.mark.timeout(300)
def test_a_forked_child_cannot_keep_a_dead_worker_alive(describe):
    """A fork inherits the pipe: were it left alone, the coordinator would wait for it forever."""
    event = describe("import os, time\nif os.fork(): os._exit(3)\ntime.sleep(600)")
    assert event.reason == "the process ended with exit code 3"


@pytest.mark.timeout(300)
def test_a_child_in_a_session_of_its_own_neither_keeps_it_alive_nor_outlives_it(
    describe, tmp_path, gone, eventually
):
    """It holds the pipe, and the worker's process group does not reach it."""
    path = tmp_path / "pid"
    code = (
        "import os, time\n"
        "if os.fork():\n"
        f"    while not os.path.exists({str(path)!r}): time.sleep(0.01)\n"
        "    os._exit(3)\n"
        "os.setsid()\n"
        "if os.fork(): time.sleep(600)\n"
        "os.setsid()\n"
        f"part = {str(tmp_path / 'part')!r}\n"
        "with open(part, 'w') as file: file.write(f'{os.getpid()} {os.getppid()}')\n"
        f"os.rename(part, {str(path)!r})\n"
        "time.sleep(600)"
    )
    event = describe(code)
    assert event.reason == "the process ended with exit code 3"
    for pid in path.read_text().split():
        eventually(lambda pid=int(pid): gone(pid), what="the end of what it left behind")


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the kernel tells it on Linux only"
)
def test_the_kernels_hand_in_a_death_is_told(describe, monkeypatch):
    counts = iter([3, 4])
    monkeypatch.setattr(
        "harness.coordinator.processes.process.kills_by_the_kernel", lambda: next(counts)
    )
    event = describe("import os; os.kill(os.getpid(), 9)")
    assert (event.status, event.where) == ("oom", "import")


def test_leaving_the_context_ends_a_worker_that_ignores_everything(
    plugin_file, log, tmp_path, eventually, gone, workers
):
    path = tmp_path / "pid"
    code = (
        "import os, signal, time\n"
        "for number in (2, 15): signal.signal(number, signal.SIG_IGN)\n"
        f"open({str(path)!r}, 'w').write(str(os.getpid()) + '\\n')\ntime.sleep(600)"
    )
    request = description_of(plugin_file("mine", code))
    answers = []
    with pytest.raises(KeyboardInterrupt), workers.start(log, 1, "") as worker:
        asking = threading.Thread(target=lambda: answers.append(worker.ask(request)))
        asking.start()
        pid = eventually(lambda: pid_in(path))
        raise KeyboardInterrupt
    assert gone(pid)
    asking.join(60)
    assert [answer.status for answer in answers] in (["crashed"], [])


COORDINATOR = """
import sys
from pathlib import Path
from harness.subjects import PluginLocation
from harness.protocol.requests import Describe
from harness.coordinator.processes.pool import Workers
with Workers(fork=sys.argv[3] == "True") as workers, workers.start(Path(sys.argv[1]), 1, "") as worker:
    worker.ask(Describe(plugin=PluginLocation("mine", file=sys.argv[2])))
"""


@pytest.mark.usefixtures("fake_torch")
@pytest.mark.parametrize("fork", [False, True], ids=["spawned", "forked"])
def test_a_coordinator_that_is_killed_leaves_no_process_behind(
    plugin_file, log, tmp_path, eventually, gone, fork, processes
):
    worker, child = tmp_path / "worker", tmp_path / "child"
    code = f"import os; open({str(worker)!r}, 'w').write(str(os.getpid()) + '\\n')\n"
    file = plugin_file("mine", code + HANGS_WITH_A_CHILD.format(path=str(child)))
    command = [sys.executable, "-c", COORDINATOR, str(log), str(file), str(fork)]
    with subprocess.Popen(command) as coordinator:
        try:
            pids = [eventually(lambda path=path: pid_in(path)) for path in (worker, child)]
            assert not any(gone(pid) for pid in pids)
        finally:
            coordinator.send_signal(signal.SIGKILL)
    for pid in pids:
        eventually(lambda pid=pid: gone(pid), what="the orphan's end")
    eventually(lambda: not processes(), what="the end of all that was started")


# --- processes that are no worker at all ----------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo hello; sleep 600", "the worker wrote no event but b'hello\\n'"),
        ('echo "{}"; sleep 600', "the worker wrote no event but b'{}\\n'"),
        (r"printf '\377\n'; sleep 600", "the worker wrote no event but b'\\xff\\n'"),
        ("exit 4", "the process ended with exit code 4"),
        ('read request; printf \'{"type": "prog\'; kill -9 $$', "killed by SIGKILL"),
        ("read request; head -c 1000000 /dev/zero; echo", "the worker wrote no event"),
    ],
)
def test_garbage_is_a_crash_and_ends_the_process(log, interpreter, script, reason):
    with Worker.spawn(log, interpreter=interpreter(script)) as worker:
        event = worker.ask(TakeMemory(), timeout=120)
    assert (event.status, event.where) == ("crashed", "start")
    assert reason in event.reason
    assert len(event.reason) < 1000


def test_a_process_that_never_reads_its_request_is_timed_out(log, interpreter, tmp_path):
    task = TaskLocation(place=PluginLocation("x"), name="x" * 1_000_000)  # more than a pipe holds
    request = Prepare(task=task, data=[], cache=str(tmp_path))
    with Worker.spawn(log, interpreter=interpreter("sleep 600")) as worker:
        assert worker.ask(request, timeout=0.5).status == "timeout"


def test_what_was_spent_before_a_kill_counts_for_the_timeout(log, interpreter):
    said = """echo '{"type": "progress", "stage": "train", "spent": 599.5}'"""
    with Worker.spawn(log, interpreter=interpreter(f"{said}; sleep 600")) as worker:
        event = worker.ask(TakeMemory(), timeout=600)
    assert (event.status, event.reason) == ("timeout", "took longer than 600 s")
    assert event.where == "train"


def test_an_interpreter_that_is_not_there_is_an_error(log):
    with pytest.raises(OSError, match="no/such/python"):
        Worker.spawn(log, interpreter="no/such/python")
