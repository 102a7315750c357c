"""What several folders of tests share. Nothing here needs torch."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how loaded the machine is, not whether the code is right.
settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded")

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def fixtures():
    """The folder of the tests' own plugin files."""
    return FIXTURES


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache of the tests' own, so that they neither need nor leave anything in the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def registry():
    """The registry of metrics as the host has it: what a test's runs declare is gone after it."""
    from harness.results.metrics import METRICS

    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


@pytest.fixture(autouse=True)
def search_path():
    """The folder of a plugin's file is on the path no longer than the test that loaded it."""
    before = [*sys.path]
    yield
    sys.path[:] = before


@pytest.fixture
def no_data(monkeypatch):
    """No data but what the test itself places."""
    monkeypatch.delenv("HARNESS_DATA", raising=False)


@pytest.fixture
def plugin_file(tmp_path):
    """Writes a plugin FILE: one of tests/fixtures with `code` appended, or `code` alone."""

    def write(name, code="", base=""):
        text = (FIXTURES / f"{base}.py").read_text() if base else ""
        path = tmp_path / f"{name}.py"
        path.write_text(text + "\n" + code)
        return path

    return write


@pytest.fixture
def fake_torch(monkeypatch):
    """Workers started by the test find a stand-in of torch: quick, and there without torch."""
    paths = [str(FIXTURES / "fake_torch"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Installs a fake distribution: its metadata, and its modules as {name: source}."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(
        name,
        plugins=None,
        *,
        layers=None,
        tasks=None,
        metrics=None,
        requires=(),
        framework=(),
        uses=None,
        preload=None,
        version="1.0",
        modules=None,
    ):
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {need}\n" for need in requires)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        groups = {"harness": plugins, "harness.layer": layers, "harness.uses": uses}
        groups |= {"harness.preload": preload, "harness.task": tasks, "harness.metric": metrics}
        lines = []
        for group, points in groups.items():
            if points:
                lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        if framework:
            frameworks = [framework] if isinstance(framework, str) else framework
            lines += ["[harness.framework]", *frameworks]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for module, source in (modules or {}).items():
            path = site / f"{module.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        return site

    return install


@pytest.fixture
def harness(monkeypatch, capsys):
    """Runs the command line in this process: (exit code, standard output, standard error)."""
    from harness.cli import main
    from harness.cli.interrupts import SIGNALS

    # However slow a loaded machine is, nothing is said of waiting.
    monkeypatch.setattr("harness.cli.waiting.LINE_SECONDS", 1e6)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        before = {n: signal.getsignal(n) for n in SIGNALS}
        try:
            with pytest.raises(SystemExit) as left:
                main()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        out, err = capsys.readouterr()
        return left.value.code or 0, out, err

    return run


@pytest.fixture
def eventually():
    """Waits until `condition()` holds and returns it; fails after `seconds`."""

    def wait(condition, seconds=60.0, what="the condition"):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        pytest.fail(f"{what} did not come about within {seconds:g} s")

    return wait


@pytest.fixture
def gone():
    """Whether the process `pid` has ended (a zombie that nobody has waited for counts as ended)."""

    def ended(pid):
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return ended


@pytest.fixture
def make_row():
    """A row of the comparison of networks, with `changes`."""
    from harness.subjects import Row

    def make(**changes):
        fields = {"plugin": "fake", "framework": "none", "task": "digits", "preset": "quick"}
        return Row(**fields | changes)

    return make


@pytest.fixture
def make_record(make_row):
    """A valid record of a `kind`, with `changes`: fields of its row go there, others to itself."""
    from harness.results.record import NetworkTiming, TrialRecord
    from harness.subjects import Row

    kinds = {"trial": TrialRecord, "network-timing": NetworkTiming}

    def make(kind="trial", **changes):
        row = {name: changes.pop(name) for name in list(changes) if name in Row.model_fields}
        return kinds[kind](**{"row": make_row(**row), "seed": 0, "status": "ok"} | changes)

    return make


@pytest.fixture
def processes(monkeypatch):
    """The living processes that the test has started, and theirs: by a variable that all inherit."""
    token = f"{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv(MARK, token)

    def alive():
        return processes_of(token)

    yield alive
    for process in alive():
        with suppress(psutil.Error):
            process.kill()


MARK = "HARNESS_TEST_MARK"


@pytest.fixture(scope="session")
def marked():
    """The variable that marks processes, and what finds those that are marked with a text."""
    return MARK, processes_of


def processes_of(token):
    """Every living process but this one that was started with `MARK` set to `token`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(MARK) == token:
                found.append(process)
    return found
