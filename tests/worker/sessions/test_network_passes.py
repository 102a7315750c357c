"""Memory and energy of a trained network, each in a pass of its own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.measure import energy
from harness.protocol import TakeEnergy
from harness.worker.sessions import network

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


def test_memory_is_what_the_batch_takes_and_nothing_that_was_there_before(session):
    """The import's 96 MiB, the data and the model are not in it."""
    metrics = session(KNOWN).memory().metrics
    assert 23 * MIB < metrics["peak_memory_bytes"] < 32 * MIB
    assert 47 * MIB < metrics["train_peak_memory_bytes"] < 56 * MIB


class Steady:
    """A counter of a machine that takes 5 W, and beside that the joules in `spent`."""

    name = "steady"

    def __init__(self):
        self.since, self.spent = energy.perf_counter(), [0.0]

    def read(self):
        return [int(1e6 * (5 * (energy.perf_counter() - self.since) + sum(self.spent)))]

    def joules(self, before, after):
        return (after[0] - before[0]) / 1e6


COSTLY = """
spent = []

@hookimpl
def harness_evaluate(model, spikes, record):
    spent.append(0.5 * spikes.shape[1])
    return Evaluation(model(spikes))
"""


def test_energy_is_of_a_sample_and_says_what_it_was_computed_from(
    session, plugin_module, monkeypatch
):
    found, counter = session(COSTLY), Steady()
    counter.spent = plugin_module().spent
    monkeypatch.setattr(network, "find_counter", lambda device: counter)
    measured = found.energy(TakeEnergy(seconds=0.2))
    assert measured.metrics == {"energy_measured_j": pytest.approx(0.5, rel=0.05)}
    assert measured.absent == {}
    assert measured.facts["counter"] == "steady"
    assert measured.facts["idle_watts"] == pytest.approx(5, rel=0.05)


def test_without_a_counter_the_energy_is_absent_with_the_reason(session, monkeypatch, tmp_path):
    monkeypatch.setattr(network, "find_counter", lambda device: energy.Rapl(tmp_path))
    measured = session().energy(TakeEnergy(seconds=0.2))
    assert measured.metrics == {}
    assert measured.absent == {
        "energy_measured_j": f"no RAPL counter can be read here: none in {tmp_path}"
    }
