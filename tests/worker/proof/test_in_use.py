"""The neuron that a model runs is the textbook's, or the row says what it is."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import ModelNeuron, Neuron, Params
from harness.worker.proof.in_use import EQUAL, neuron_in_use
from harness.worker.proof.reference import dynamics

CPU = torch.device("cpu")


def by_equations(neuron):
    return lambda currents: dynamics(currents, neuron).spikes.float()


def verdict(neuron, run, **params):
    return neuron_in_use(ModelNeuron(neuron, run), Params(**params), CPU)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(("beta", "theta"), [(0.0, 1.0), (0.9, 1.0), (0.95, 0.7), (1.0, 3.0)])
def test_the_equations_are_equal_to_themselves(beta, theta, detach):
    neuron = Neuron(beta, theta, detach=detach, slope=2.0 / theta)
    assert verdict(neuron, by_equations(neuron), beta=beta, theta=theta, detach=detach) == EQUAL


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"beta": 0.899}, "spikes differ from the equations', the first in step"),
        ({"compare": ">"}, "spikes differ"),
        ({"reset": "zero"}, "spikes differ"),
        ({"detach": False}, "the spikes are equal, the gradients are not: off by"),
        ({"slope": 1.01}, "the gradients are not"),
        ({"surrogate": "atan"}, "the gradients are not"),
    ],
)
def test_what_runs_otherwise_than_it_says_is_another_neuron(change, what):
    neuron = Neuron(0.9)
    told = verdict(neuron, by_equations(dataclasses.replace(neuron, **change)))
    assert told.startswith("another neuron: ")
    assert what in told


def test_a_neuron_without_gradient_is_another_one():
    run = by_equations(Neuron(0.9))
    told = verdict(Neuron(0.9), lambda currents: run(currents).detach())
    assert told == "another neuron: the spikes are equal and have no gradient"


def test_other_neurons_are_told_by_what_they_say():
    zero = Neuron(0.9, reset="zero")
    assert verdict(zero, by_equations(zero)) == (
        "another neuron: it spikes where U >= theta, reset: zero"
    )
    told = verdict(Neuron(0.8), by_equations(Neuron(0.8)), beta=0.9)
    assert told == "another neuron: its beta is 0.8 and the row's is 0.9"


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (None, "`spikes` is no function"),
        (lambda currents: None, "returned NoneType for currents"),
        (lambda currents: currents[0], r"returned \(8, 32\) for currents \(16, 8, 32\)"),
    ],
)
def test_what_is_no_neuron_is_refused(run, reason):
    with pytest.raises(InvalidOutput, match=f"^harness_neuron: .*{reason}"):
        verdict(Neuron(0.9), run)
