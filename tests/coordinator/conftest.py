from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.catalogue.plugins import Plugin
from harness.coordinator import wall
from harness.coordinator.group import measure
from harness.coordinator.listener import Listener
from harness.coordinator.member import Procedure
from harness.coordinator.processes.pool import Workers
from harness.protocol.events import (
    TIMED,
    TIMING,
    Measured,
    Opened,
    Progress,
    Samples,
    Sweep,
    SweepPoint,
    Swept,
)
from harness.protocol.requests import (
    MeasurePeaks,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
    WarmUp,
)
from harness.subjects import PluginLocation
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


class FakeWorker:
    """Answers at once, by `answer(worker, request)`; `process` is 0 or 1, `opened` what was opened."""

    def __init__(self, answer, log, framework, process):
        self.answer, self.log, self.framework, self.process = answer, log, framework, process
        self.opened, self.requests, self.timeouts = None, [], []
        self.clock, self.killed = Clock(), False

    def ask(self, request, timeout=None, progress=lambda _: None):
        self.requests.append(request)
        self.timeouts.append(timeout)
        if request.type.startswith("open-"):
            self.opened = request
        event = self.answer(self, request)
        if isinstance(event, Samples):
            progress(Progress(stage=TIMING))
            self.clock.now += self.clock.pace * max(sum(s) for s in event.series.values())
            progress(Progress(stage=TIMED))
        return event

    def kill(self):
        self.killed = True


class Clock:
    """The coordinator's: it goes on by what a fake worker says of its calls, times `pace`."""

    now, pace = 0.0, 1.0


class FakeWorkers:
    """In the place of processes. `asked` holds (worker, request) in the order in which they came."""

    def __init__(self, answer, clock):
        self.stopped, self.started, self.asked = False, [], []
        self.clock, self.standing, self.most = clock, 0, 0
        self.killed_at_the_first_end = None

        def keep(worker, request):
            self.asked.append((worker, request))
            return answer(worker, request)

        self._answer = keep

    @contextmanager
    def start(self, log, threads=1, framework=None, copy=0, interpreter=""):
        worker = FakeWorker(self._answer, log, framework, copy)
        worker.clock = self.clock
        self.started.append(worker)
        self.standing += 1
        self.most = max(self.most, self.standing)
        yield worker
        if self.killed_at_the_first_end is None:
            self.killed_at_the_first_end = sum(each.killed for each in self.started)
        self.standing -= 1

    def stop(self):
        self.stopped = True


@pytest.fixture
def fake_workers(monkeypatch):
    """Workers that answer by `answer(worker, request)`, or in the usual way where that is None."""
    clock = Clock()
    monkeypatch.setattr(wall, "perf_counter", lambda: clock.now)

    def make(answer=lambda worker, request: None):
        return FakeWorkers(lambda worker, request: answer(worker, request) or usual(request), clock)

    return make


def usual(request, seconds=0.01):
    """What a worker answers that has nothing to complain of."""
    match request:
        case MeasurePeaks():
            return Measured(metrics={"peak_flops": 1e12, "peak_bandwidth": 1e12})
        case TakeMemory():
            return Measured(metrics={"peak_memory_bytes": 5.0})
        case WarmUp() | TakeValidity():
            return Measured(metrics={})
        case TakeEnergy():
            return Measured(metrics={}, absent={"energy_measured_j": "there is no counter"})
        case TakeSweep():
            points = [SweepPoint(batch=b, ms=10, rate=100 * b) for b in (1, 2)]
            return Swept(sweeps={"inference": Sweep(points=points, ended="data")})
        case TakeRound():
            batch = request.batch or 1
            return Samples(batch=batch, series={request.what: [seconds] * request.calls})
    return Opened(first_call_ms=1.0, batches={})


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
            heard,
        )
        return result, workers

    return run
