"""Memory and energy of a trained network, each in a pass of its own."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.measure import energy
from harness.protocol.requests import TakeEnergy, TakeSweep, TakeValidity
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


PREPARED = """
import time
PREPARED = {}

@hookimpl
def harness_encode(model, inputs, generator):
    return inputs.flatten(1).expand(model.steps, -1, -1)

@hookimpl
def harness_evaluate(model, spikes, record):
    keys = [sample.numpy().tobytes() for sample in spikes[0]]
    if len(keys) == 1 and keys[0] in PREPARED:
        return Evaluation(PREPARED[keys[0]])
    time.sleep(0.002)
    scores = model(spikes).cumsum(0)
    if record:
        return Evaluation(scores, [Layer("readout", spikes, model.weight, None)])
    if len(keys) > 1:
        PREPARED.update((key, scores[:, n : n + 1].clone()) for n, key in enumerate(keys))
    return Evaluation(scores)
"""


def test_a_table_of_the_test_set_is_found_out(session):
    """It is filled before anything is timed, and repeated training samples take as long as new ones."""
    found = session(PREPARED)
    with pytest.raises(InvalidOutput, match=r"a test sample takes \d+% less time than one never"):
        found.validity(TakeValidity())


def test_an_honest_network_has_both_ratios(session):
    ratios = session().validity(TakeValidity()).metrics
    assert ratios.keys() == {"repeated_input_ratio", "seen_input_ratio"}


def test_the_sweep_measures_both_and_says_why_one_is_missing(session):
    only_8 = """
@hookimpl
def harness_train_step(model, spikes, targets):
    if len(targets) != 64:
        raise ValueError("64 samples an update, no others")
    return {"loss": 0.0}
"""
    found = session(changed=only_8).sweep(TakeSweep(seconds=0.2))
    assert found.sweeps.keys() == {"inference"}
    assert [point.batch for point in found.sweeps["inference"].points][:2] == [1, 2]
    assert found.absent == {"train_plateau": "ValueError: 64 samples an update, no others"}
    assert found.metrics == {}
