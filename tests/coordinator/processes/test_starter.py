"""Starters: real ones, which find a stand-in of torch; workers of theirs are in test_process.py too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from harness.coordinator.processes.starter import Starter, StarterDied
from harness.protocol.events import Described
from harness.protocol.requests import Describe, TakeMemory
from harness.subjects import PluginLocation

pytestmark = [
    pytest.mark.usefixtures("fake_torch"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are not forked"),
]


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that a starter may import."""
    folder = tmp_path / "modules"
    folder.mkdir()
    before = os.environ["PYTHONPATH"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), before]))

    def write(**sources):
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)

    return write


@pytest.fixture
def start(tmp_path, processes):
    """Starts a starter of `modules`; the test's end is its end."""
    started = []

    def spawn(*modules):
        starter = Starter.spawn(list(modules), 1, tmp_path / "starter.log")
        started.append(starter)
        return starter

    yield spawn
    for starter in started:
        starter.end()
    assert processes() == []


@pytest.fixture
def ask(plugin_file, tmp_path):
    """Asks a worker of a starter to describe a plugin with `code` run at its import."""

    def described(starter, code="", name="mine"):
        path = plugin_file(name, code, base="declared")
        with starter.worker(tmp_path / f"{name}.log", 1) as worker:
            return worker.ask(Describe(plugin=PluginLocation(name, file=str(path))), timeout=120)

    return described


def parent_of(path):
    return f"import os; open({str(path)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}')"


def pids(path):
    return [int(word) for word in Path(path).read_text().split()]


# --- what a worker gets from it -------------------------------------------------------------------


def test_what_it_has_imported_is_there_in_every_worker_and_imported_once(
    start, ask, modules, tmp_path
):
    count = tmp_path / "count"
    modules(heavy=f"open({str(count)!r}, 'a').write('imported ')\nlist_of = []")
    starter = start("heavy")
    code = "import sys\nassert sys.modules['heavy'].list_of == []\nimport heavy\n"
    for number in range(3):  # what one worker changes is not there in the next
        assert isinstance(ask(starter, code + f"heavy.list_of.append({number})"), Described)
    assert count.read_text() == "imported "
    assert starter.problems == []


def test_an_import_asks_the_driver_for_gpus_and_a_worker_asks_cuda(start, ask, modules, tmp_path):
    seen = tmp_path / "seen"
    look = (
        "import os\n"
        f"open({str(seen)!r}, 'a').write(os.environ.get('PYTORCH_NVML_BASED_CUDA_CHECK', '-'))\n"
    )
    modules(looks=look)
    assert isinstance(ask(start("looks"), look), Described)
    assert seen.read_text() == "1-"


def test_a_worker_has_a_log_pipes_a_process_group_and_a_folder_of_its_own(
    start, tmp_path, plugin_file, monkeypatch
):
    starter = start("json")
    starter.wait_until_ready()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HARNESS_TEST_WORD", "set after the start")
    code = (
        "import os; print('from', __file__)\n"
        "assert os.getpid() == os.getpgid(0) == os.getsid(0)\n"
        "assert os.getcwd().endswith('elsewhere')\n"
        "assert os.environ['HARNESS_TEST_WORD'] == 'set after the start'\n"
        "assert os.environ['OMP_NUM_THREADS'] == '2'\n"
    )
    paths = [plugin_file(name, code, base="declared") for name in ("one", "two")]
    logs = [tmp_path / f"{path.stem}.log" for path in paths]
    with starter.worker(logs[0], 2) as one, starter.worker(logs[1], 2) as two:
        for worker, path in ((two, paths[1]), (one, paths[0])):
            request = Describe(plugin=PluginLocation(path.stem, file=str(path)))
            event = worker.ask(request, timeout=120)
            assert isinstance(event, Described), event
    for log, path in zip(logs, paths):
        assert log.read_text() == f"from {path}\n"


def test_a_worker_holds_no_end_of_another_workers_pipes(start, tmp_path):
    """Were the first one's pipe open in the second, the first would never see the end of it."""
    starter = start("json")
    first = starter.worker(tmp_path / "first.log", 1)
    with starter.worker(tmp_path / "second.log", 1) as second:
        assert second.ask(TakeMemory(), timeout=120).status == "failed"
        with first:
            assert first.ask(TakeMemory(), timeout=120).status == "failed"
        assert second.ask(TakeMemory(), timeout=120).status == "failed"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(7)", "the process ended with exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "the process was killed by SIGKILL"),
        ("import os; os.killpg(0, 9)", "the process was killed by SIGKILL"),
    ],
)
def test_a_worker_that_dies_is_one_failure_and_the_others_go_on(start, ask, code, reason, tmp_path):
    starter = start("json")
    with starter.worker(tmp_path / "other.log", 1) as other:
        event = ask(starter, code)
        assert event.status == "crashed"
        assert reason in event.reason
        assert other.ask(TakeMemory(), timeout=120).status == "failed"
    assert isinstance(ask(starter), Described)


def test_many_workers_at_once(start, ask, tmp_path):
    starter = start("json")
    answers = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(ask(starter, name=f"plugin{n}")))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(answer) for answer in answers] == [Described] * 12


def test_no_zombie_is_left(start, ask, tmp_path):
    starter = start("json")
    for _ in range(3):
        ask(starter, parent_of(tmp_path / "pids"))
    _, parent = pids(tmp_path / "pids")
    assert psutil.Process(parent).children(recursive=True) == []


# --- a starter of its own for each framework ------------------------------------------------------


def test_a_branch_has_what_its_base_has_and_more(start, ask, modules, tmp_path):
    modules(base="word = 'base'", more="word = 'more'")
    base = start("base")
    branch = base.branch(["more"], tmp_path / "branch.log")
    has = "import sys; assert ('base' in sys.modules, 'more' in sys.modules) == {}"
    try:
        assert isinstance(ask(branch, has.format((True, True))), Described)
        assert isinstance(ask(base, has.format((True, False))), Described)
    finally:
        branch.end()
    assert isinstance(ask(base), Described)


def test_an_import_that_fails_is_told_and_costs_nothing_else(start, ask, modules, tmp_path):
    modules(wrong="raise ValueError('no good')", right="")
    starter = start("wrong", "no_such_module", "right")
    code = "import sys; assert 'right' in sys.modules"
    assert isinstance(ask(starter, code), Described)
    assert starter.problems == [
        "wrong: ValueError: no good",
        "no_such_module: ModuleNotFoundError: No module named 'no_such_module'",
    ]
    assert "ValueError: no good" in (tmp_path / "starter.log").read_text()


def test_an_import_that_starts_a_thread_is_told(start, modules):
    modules(busy="import threading, time\nthreading.Thread(target=time.sleep, args=(600,), "
                 "daemon=True, name='ticker').start()")  # fmt: skip
    starter = start("busy")
    starter.wait_until_ready()
    assert (starter.problems, starter.threads) == ([], ["ticker"])


# --- its end --------------------------------------------------------------------------------------


def test_a_starter_that_never_begins_says_why(start, modules, tmp_path):
    modules(exits="import os; os._exit(4)")
    starter = start("json", "exits")
    with pytest.raises(StarterDied, match="imports json, exits ended with exit code 4"):
        starter.wait_until_ready()
    with pytest.raises(StarterDied, match="exit code 4"):
        starter.worker(tmp_path / "log", 1)
    with pytest.raises(StarterDied, match="exit code 4"):
        starter.branch(["json"], tmp_path / "log")


def test_a_branch_that_never_begins_says_why_and_its_base_goes_on(start, ask, modules, tmp_path):
    modules(exits="import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    base = start("json")
    branch = base.branch(["exits"], tmp_path / "branch.log")
    with pytest.raises(StarterDied, match="imports exits was killed by SIGSEGV"):
        branch.worker(tmp_path / "log", 1)
    assert isinstance(ask(base), Described)


def test_a_starter_that_dies_takes_its_workers_with_it_and_says_why(
    start, tmp_path, plugin_file, eventually, gone
):
    starter = start("json")
    other = start("json")
    told = tmp_path / "pids"
    path = plugin_file("mine", f"{parent_of(told)}\nimport time; time.sleep(600)")
    with starter.worker(tmp_path / "log", 1) as worker:
        answers = []
        request = Describe(plugin=PluginLocation("mine", file=str(path)))
        asking = threading.Thread(target=lambda: answers.append(worker.ask(request)))
        asking.start()
        eventually(lambda: told.exists() and len(told.read_text().split()) == 2)
        child, parent = pids(told)
        os.kill(parent, signal.SIGKILL)
        asking.join(120)
    (event,) = answers
    assert (event.status, event.where) == ("crashed", "import")
    assert "was killed by SIGKILL" in event.reason
    eventually(lambda: gone(child), what="the worker's end")
    with pytest.raises(StarterDied, match="imports json was killed by SIGKILL"):
        starter.worker(tmp_path / "log", 1)
    with other.worker(tmp_path / "log", 1) as worker:
        assert worker.ask(TakeMemory(), timeout=120).status == "failed"


def test_a_starter_that_was_stopped_keeps_nobody_waiting(start, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.coordinator.processes.starter.LOOK_SECONDS", 0.1)
    starter = start()
    with starter.worker(tmp_path / "stopped.log", 1) as worker:
        parent = psutil.Process(worker.pid).ppid()
        os.kill(parent, signal.SIGSTOP)
        worker.kill()
    assert not psutil.pid_exists(parent)
    with pytest.raises(StarterDied, match="was killed by SIGKILL"):
        starter.worker(tmp_path / "after.log", 1)


def test_ending_it_ends_all_that_it_started(start, tmp_path, processes):
    base = start("json")
    branch = base.branch(["csv"], tmp_path / "branch.log")
    workers = [starter.worker(tmp_path / "log", 1) for starter in (base, branch)]
    for worker in workers:
        worker.ask(TakeMemory(), timeout=120)
    assert len(processes()) == 4
    base.end()
    branch.end()
    for worker in workers:
        assert worker.ask(TakeMemory(), timeout=120).status == "crashed"
        worker.__exit__(None, None, None)
    assert processes() == []
    with pytest.raises(StarterDied):
        base.worker(tmp_path / "log", 1)


COORDINATOR = """
import os, sys
from pathlib import Path
from harness.coordinator.processes.starter import Starter
starter = Starter.spawn(["json"], 1, Path(sys.argv[1]))
branch = starter.branch(["csv"], Path(sys.argv[1]))
worker = branch.worker(Path(sys.argv[1]), 1)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_death_of_the_coordinator_is_the_end_of_all(tmp_path, processes, eventually, number):
    command = [sys.executable, "-c", COORDINATOR, str(tmp_path / "log")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as coordinator:
        assert coordinator.stdout.readline() == "ready\n"
        assert len(processes()) == 4
        coordinator.send_signal(number)
    eventually(lambda: not processes(), what="the end of every process")


FORK_FAILS_ONCE = """
import os

fork, failures = os.fork, [OSError(11, "Resource temporarily unavailable")]

def failing():
    if failures:
        raise failures.pop()
    return fork()

os.fork = failing
"""


def test_a_fork_that_fails_costs_one_worker_and_the_next_is_forked(start, ask, modules):
    modules(scarce=FORK_FAILS_ONCE)
    starter = start("scarce")
    with pytest.raises(StarterDied, match=r"cannot fork: .*temporarily unavailable"):
        ask(starter)
    assert isinstance(ask(starter), Described)
