"""Memory and energy of a trained network, each in a pass of its own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.measure import energy
from harness.protocol import OpenTiming, TakeEnergy
from harness.worker import timing
from harness.worker.sessions.network import TimingSession
from harness.worker.train import run_trial

MIB = 2**20

KNOWN = """
at_import = torch.ones(96 * 2**20, dtype=torch.uint8)

@hookimpl
def harness_train_step(model, spikes, targets):
    torch.ones(48 * 2**20, dtype=torch.uint8)
    return {"loss": 0.0}

@hookimpl
def harness_evaluate(model, spikes, record):
    torch.ones(24 * 2**20, dtype=torch.uint8)
    return Evaluation(model(spikes))
"""


@pytest.fixture
def session(hooks, request_for):
    def open_session(code=""):
        request = request_for()
        run_trial(request, hooks(code), lambda _: None)
        opened = OpenTiming(trial=request.trial, data=request.data, state=request.state)
        return TimingSession(opened, hooks(code))

    return open_session


def test_memory_is_what_the_batch_takes_and_nothing_that_was_there_before(session):
    """The import's 96 MiB, the data and the model are not in it."""
    metrics = session(KNOWN).memory().metrics
    assert 23 * MIB < metrics["peak_memory_bytes"] < 32 * MIB
    assert 47 * MIB < metrics["train_peak_memory_bytes"] < 56 * MIB


class Steady:
    """A counter of a machine that takes 5 W, and 20 W more while `busy` says so."""

    name = "steady"

    def __init__(self):
        self.joules_so_far, self.since = 0.0, energy.perf_counter()
        self.spent = 0.0

    def read(self):
        return [int(1e6 * (5 * (energy.perf_counter() - self.since) + self.spent))]

    def joules(self, before, after):
        return (after[0] - before[0]) / 1e6


def test_energy_is_of_a_sample_and_says_what_it_was_computed_from(session, monkeypatch):
    found, counter = session(), Steady()
    monkeypatch.setattr(timing, "find_counter", lambda device: counter)
    answer = found._answer

    def costly(inputs):
        counter.spent += 0.5 * len(inputs)
        return answer(inputs)

    monkeypatch.setattr(found, "_answer", costly)
    measured = found.energy(TakeEnergy(seconds=0.2))
    assert measured.metrics == {"energy_measured_j": pytest.approx(0.5, rel=0.05)}
    assert measured.absent == {}
    assert measured.facts["counter"] == "steady"
    assert measured.facts["idle_watts"] == pytest.approx(5, rel=0.05)


def test_without_a_counter_the_energy_is_absent_with_the_reason(session, monkeypatch, tmp_path):
    monkeypatch.setattr(timing, "find_counter", lambda device: energy.Rapl(tmp_path))
    measured = session().energy(TakeEnergy(seconds=0.2))
    assert measured.metrics == {}
    assert measured.absent == {
        "energy_measured_j": f"no RAPL counter can be read here: none in {tmp_path}"
    }
