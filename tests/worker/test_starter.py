"""The starter as a process of its own: what it imports, forks, tells, and takes with it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from harness.protocol.events import Described, Progress, events
from harness.protocol.requests import Describe
from harness.subjects import PluginLocation

pytestmark = [
    pytest.mark.usefixtures("fake_torch"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are not forked"),
]


class Forked:
    """A worker that a starter has forked: its process, and the pipes to it."""

    def __init__(self, control, log, environment=None, folder="/"):
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        message = {
            "fork": "worker",
            "environment": {**os.environ, **(environment or {})},
            "folder": str(folder),
        }
        with log.open("ab") as file:
            self.pid = control.fork(message, requests, answers, file.fileno())
        os.close(requests)
        os.close(answers)

    def ask(self, request):
        """The answer to `request`; None where the worker has ended without one."""
        os.write(self.requests, request.model_dump_json().encode() + b"\n")
        with os.fdopen(os.dup(self.answers), "rb") as lines:
            for line in lines:
                event = events.validate_json(line)
                if not isinstance(event, Progress):
                    return event
        return None

    def close(self):
        os.close(self.requests)
        os.close(self.answers)


class Control:
    """The coordinator's end of a starter's socket."""

    def __init__(self, end):
        self.socket, self.lines = end, end.makefile("rb")
        self.ends = []

    def hear(self):
        """The next message; None where the starter has ended."""
        return self.ends.pop(0) if self.ends else self._read()

    def fork(self, message, *descriptors):
        """The process id of the fork: ends of earlier ones, told meanwhile, are heard later."""
        socket.send_fds(self.socket, [json.dumps(message).encode() + b"\n"], descriptors)
        while "code" in (answer := self._read()):
            self.ends.append(answer)
        return answer["pid"]

    def _read(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def branch(self, modules, log):
        """Another starter, forked from this one, and its process id."""
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as file:
            message = {"fork": "starter", "modules": modules}
            pid = self.fork(message, theirs.fileno(), file.fileno())
        return Control(ours), pid

    def close(self):
        self.lines.close()
        self.socket.close()


@pytest.fixture
def log(tmp_path):
    return tmp_path / "starter.log"


@pytest.fixture
def start(log, tmp_path, monkeypatch):
    """Starts a starter that imports modules; those in the test's folder can be found."""
    paths = [str(tmp_path), os.environ["PYTHONPATH"]]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    started = []

    def spawn(*modules):
        ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-u",
            "-m",
            "harness.worker.starter",
            str(theirs.fileno()),
            *modules,
        ]
        with theirs, log.open("ab") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        control = Control(ours)
        started.append((control, process))
        control.process = process
        return control

    yield spawn
    for control, process in started:
        control.close()
        process.wait()


@pytest.fixture
def describe(plugin_file):
    """A request for the presets of a plugin that runs `code` when it is imported."""

    def request(code="", name="mine"):
        path = plugin_file(name, code, base="declared")
        return Describe(plugin=PluginLocation(name, file=str(path)))

    return request


TELLS = """
import gc, json, os, sys
with open({path!r}, "w") as file:
    json.dump({{
        "collects": gc.isenabled(),
        "pid": os.getpid(), "parent": os.getppid(), "group": os.getpgrp(), "session": os.getsid(0),
        "folder": os.getcwd(), "environment": dict(os.environ),
        "sockets": [t for t in map(
            lambda fd: os.readlink(f"/proc/self/fd/{{fd}}") if os.path.lexists(
                f"/proc/self/fd/{{fd}}") else "", os.listdir("/proc/self/fd"))
            if t.startswith("socket")],
    }}, file)
print("printed by", os.getpid())
"""


# --- what is imported -----------------------------------------------------------------------------


def test_it_is_ready_when_everything_is_imported(start, tmp_path):
    (tmp_path / "tiny.py").write_text("")
    assert start("json", "tiny").hear() == {"ready": [], "threads": []}


def test_what_cannot_be_imported_is_told_and_the_rest_is_imported(start, tmp_path, log):
    (tmp_path / "broken.py").write_text("def deep():\n    raise ValueError('inside')\ndeep()")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)")
    (tmp_path / "tiny.py").write_text("print('tiny is imported')")
    problems = start("no_such_module", "broken", "leaves", "tiny").hear()["ready"]
    assert problems == [
        "no_such_module: ModuleNotFoundError: No module named 'no_such_module'",
        "broken: ValueError: inside",
        "leaves: SystemExit: 3",
    ]
    assert "in deep" in log.read_text()


def test_an_import_that_starts_a_thread_is_told(start, tmp_path):
    """A thread does not survive a fork, and what it holds stays locked."""
    (tmp_path / "threads.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), name='sleeper', daemon=True).start()"
    )
    assert start("threads").hear() == {"ready": [], "threads": ["sleeper"]}


def test_an_import_that_starts_cuda_is_told(start, tmp_path):
    """A process that was forked from one that has used a GPU cannot use any."""
    (tmp_path / "uses_a_gpu.py").write_text(
        "import sys, types\n"
        "sys.modules['torch.cuda'] = types.SimpleNamespace(is_initialized=lambda: True)"
    )
    assert start("uses_a_gpu").hear() == {"ready": [], "threads": ["CUDA"]}


# --- workers --------------------------------------------------------------------------------------


def test_a_forked_worker_answers_as_a_fresh_one_does(start, describe, log):
    control = start("json")
    control.hear()
    worker = Forked(control, log)
    first, second = worker.ask(describe()), worker.ask(describe())
    assert isinstance(first, Described)
    assert first == second
    assert first.parameters["hidden"]["default"] == 64
    worker.close()


def test_a_forked_worker_has_a_group_a_folder_an_environment_and_a_log_of_its_own(
    start, describe, tmp_path, log, monkeypatch
):
    monkeypatch.setenv("ONLY_THE_STARTERS", "yes")
    control = start("json")
    control.hear()
    monkeypatch.delenv("ONLY_THE_STARTERS")
    told, pids = [], []
    for number in (1, 2):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        path, own_log = folder / "told.json", folder / "log"
        worker = Forked(control, own_log, {"OMP_NUM_THREADS": str(number)}, folder)
        assert isinstance(worker.ask(describe(TELLS.format(path=str(path)))), Described)
        told.append(json.loads(path.read_text()))
        pids.append(worker.pid)
        assert own_log.read_text() == f"printed by {worker.pid}\n"
        worker.close()
    for number, (pid, found) in enumerate(zip(pids, told), start=1):
        assert found["pid"] == found["group"] == found["session"] == pid
        assert found["parent"] == control.process.pid
        assert found["folder"] == str(tmp_path / f"folder{number}")
        assert found["environment"]["OMP_NUM_THREADS"] == str(number)
        assert "ONLY_THE_STARTERS" not in found["environment"]
        assert found["sockets"] == []
        assert found["collects"]
    assert "printed" not in log.read_text()


def test_an_environment_longer_than_the_sockets_buffer_arrives(start, describe, log):
    control = start()
    control.hear()
    worker = Forked(control, log, {"LONG": "x" * 400_000})
    code = "import os; assert len(os.environ['LONG']) == 400_000"
    assert isinstance(worker.ask(describe(code)), Described)
    worker.close()


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("os._exit(7)", 7),
        ("os._exit(0)", 0),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.abort()", -signal.SIGABRT),
    ],
)
def test_the_end_of_a_worker_is_told_with_its_exit_code(start, describe, log, code, exit_code):
    control = start()
    control.hear()
    worker, other = Forked(control, log), Forked(control, log)
    assert worker.ask(describe(f"import os, signal; {code}")) is None
    assert control.hear() == {"pid": worker.pid, "code": exit_code}
    assert isinstance(other.ask(describe()), Described)
    worker.close()
    other.close()


def test_a_worker_whose_requests_end_ends_too(start, log):
    control = start()
    control.hear()
    worker = Forked(control, log)
    worker.close()
    assert control.hear() == {"pid": worker.pid, "code": -signal.SIGKILL}


def test_a_worker_that_cannot_begin_has_ended(start, log):
    control = start()
    control.hear()
    worker = Forked(control, log, folder="/no/such/folder")
    assert control.hear() == {"pid": worker.pid, "code": 1}
    assert "FileNotFoundError" in log.read_text()
    assert control.process.poll() is None
    worker.close()


# --- its end --------------------------------------------------------------------------------------

HANGS_WITH_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def test_closing_the_socket_ends_the_workers_and_what_they_started(
    start, describe, log, tmp_path, eventually, gone
):
    """Though their requests are open still, as where a descriptor of the coordinator's leaked."""
    control = start()
    control.hear()
    worker = Forked(control, tmp_path / "own.log")
    line = describe(HANGS_WITH_A_CHILD).model_dump_json().encode() + b"\n"
    os.write(worker.requests, line)
    printed = eventually(lambda: (tmp_path / "own.log").read_text().strip())
    child = int(printed.removeprefix("child "))
    assert not gone(worker.pid)
    assert not gone(child)
    control.close()
    for pid in (worker.pid, child):
        eventually(lambda pid=pid: gone(pid), what="the end of what the starter forked")
    assert control.process.wait() == 0
    worker.close()


def test_a_starter_that_is_killed_is_missed_though_its_workers_live(start, log):
    control = start()
    control.hear()
    worker = Forked(control, log)
    control.process.kill()
    assert control.hear() is None
    os.kill(worker.pid, signal.SIGKILL)
    worker.close()


def test_an_interrupt_in_the_terminal_is_not_the_starters_to_handle(start, describe, log):
    control = start()
    control.hear()
    os.kill(control.process.pid, signal.SIGINT)
    worker = Forked(control, log)
    assert isinstance(worker.ask(describe()), Described)
    worker.close()


# --- a starter from a starter ---------------------------------------------------------------------


def test_a_branch_has_what_the_first_has_imported_and_imports_more(start, describe, log, tmp_path):
    imports = tmp_path / "imports"
    for name in ("base", "more"):
        (tmp_path / f"{name}_module.py").write_text(
            f"import os\nopen({str(imports)!r}, 'a').write(f'{name} {{os.getpid()}}\\n')"
        )
    control = start("base_module")
    control.hear()
    branch, pid = control.branch(["more_module", "no_such_module"], tmp_path / "branch.log")
    assert branch.hear() == {
        "ready": ["no_such_module: ModuleNotFoundError: No module named 'no_such_module'"],
        "threads": [],
    }
    worker = Forked(branch, log)
    assert isinstance(worker.ask(describe("import base_module, more_module")), Described)
    assert imports.read_text() == f"base {control.process.pid}\nmore {pid}\n"
    assert "no_such_module" in (tmp_path / "branch.log").read_text()
    worker.close()
    branch.close()
    # The first goes on without it.
    assert control.hear() == {"pid": pid, "code": 0}
    worker = Forked(control, log)
    assert isinstance(worker.ask(describe()), Described)
    worker.close()


def test_the_end_of_the_first_ends_its_branches(start, log, tmp_path, eventually, gone):
    control = start()
    control.hear()
    branch, pid = control.branch([], tmp_path / "branch.log")
    branch.hear()
    control.close()
    eventually(lambda: gone(pid), what="the branch's end")
    assert branch.hear() is None
    branch.close()
