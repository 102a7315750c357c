from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.catalogue.plugins import Plugin
from harness.coordinator.group import wall
from harness.coordinator.group.measure import measure
from harness.coordinator.group.member import Procedure
from harness.coordinator.listener import Listener
from harness.coordinator.processes.pool import Workers
from harness.subjects import PluginLocation
from tests.fixtures.fake_workers import Clock, FakeWorkers, usual
from tests.fixtures.forking import HOW
from tests.fixtures.groups import who


@pytest.fixture(scope="module", params=HOW)
def workers(request, fixtures):
    """Workers, each a fresh process or forked; they find the stand-in of torch."""
    paths = [str(fixtures / "fake_torch"), os.environ.get("PYTHONPATH", "")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        with Workers(fork=request.param) as started:
            yield started


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker.log"


@pytest.fixture
def logs(tmp_path):
    """The folder of what plugins print when they are described."""
    path = tmp_path / "described"
    path.mkdir()
    return path


@pytest.fixture
def make_plugin():
    """A plugin that is installed, as far as its metadata say."""

    def make(name, **changes):
        location = PluginLocation(name=name, module=name.replace("-", "_"))
        return Plugin(**{"name": name, "location": location, "framework": "none"} | changes)

    return make


class Heard(Listener):
    """Keeps all that is said."""

    def __init__(self):
        self.records, self.labels, self.progressed = [], [], []
        self.messages, self.measured, self.plans = [], [], []

    def message(self, text):
        self.messages.append(text)

    def planned(self, labels, finished, about):
        self.plans.append((list(labels), finished, about))

    def progress(self, label, progress):
        self.progressed.append((label, progress.stage))

    def recorded(self, label, record):
        self.labels.append(label)
        self.records.append(record)

    def measuring(self, done, total, what):
        self.measured.append((done, total, what))


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def fake_workers(monkeypatch):
    """Workers that answer by `answer(worker, request)`, or in the usual way where that is None."""
    clock = Clock()
    monkeypatch.setattr(wall, "perf_counter", lambda: clock.now)

    def make(answer=lambda worker, request: None):
        return FakeWorkers(lambda worker, request: answer(worker, request) or usual(request), clock)

    return make


@pytest.fixture
def group(fake_workers, heard):
    """Measures subjects; workers answer by `answer(key, process, request)`, else in the usual way."""

    def run(subjects, answer=lambda key, process, request: None, **procedure):
        workers = fake_workers(lambda w, request: answer(who(w), w.process, request))
        run.workers, run.clock = workers, workers.clock
        options = {"rounds": 6, "min_time": 0.02, "calls": 3, "timeout": None, "jobs": 1}
        result = measure(
            subjects,
            Procedure(**{**options, **procedure}),
            lambda key, process: Path(f"{key}.{process}.log"),
            workers,
            heard.measuring,
        )
        return result, workers

    return run
