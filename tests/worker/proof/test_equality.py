"""The proof lets the neuron pass and nothing else."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Neuron
from harness.worker.proof.equality import N_OUT, error, problem, prove

CPU = torch.device("cpu")


@pytest.fixture
def proof(layer_hook):
    return lambda neuron, code="": prove(layer_hook(code), neuron, CPU)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.95, 1.0])
def test_the_equations_in_float32_pass(proof, beta, detach):
    found = proof(Neuron(beta, detach=detach))
    assert found.reason == ""
    assert found.metrics["spikes_compared"] == 40 * 8 * N_OUT
    assert found.metrics["spikes_at_threshold"] > 300
    assert 0 < found.metrics["weight_gradient_error"] < 1e-6


WRONG = {
    "reset one step late and undecayed, as snnTorch's": """
def step(state, current, neuron):
    reset = spike_of(state, neuron).detach()
    membrane = neuron.beta * state + current - neuron.theta * reset
    return spike_of(membrane, neuron), membrane
""",
    "compares >": """
Spike.forward = staticmethod(
    lambda ctx, v, slope: (ctx.save_for_backward(v), setattr(ctx, "slope", slope), (v > 0).to(v.dtype))[-1]
)
""",
    "input scaled by 1 - beta": """
right = step
def step(state, current, neuron):
    return right(state, current * (1 - neuron.beta + 1e-9), neuron)
""",
    "beta slightly off": """
import dataclasses
right = step
def step(state, current, neuron):
    return right(state, current, dataclasses.replace(neuron, beta=neuron.beta * 0.999))
""",
    "resets to zero": """
def step(state, current, neuron):
    membrane = neuron.beta * state + current
    spike = spike_of(membrane, neuron)
    return spike, membrane * (1 - (spike.detach() if neuron.detach else spike))
""",
    "several spikes at once": """
right = step
def step(state, current, neuron):
    spike, state = right(state, current, neuron)
    return spike, state - neuron.theta * torch.floor(state / neuron.theta).clamp(min=0).detach()
""",
    "one input forgotten": """
class Layer(Layer):
    def forward(self, inputs):
        return super().forward(inputs * (torch.arange(inputs.shape[-1]) != 7))
""",
}


@pytest.mark.parametrize("beta", [0.5, 0.9])
@pytest.mark.parametrize("wrong", WRONG)
def test_another_neuron_is_told_by_its_spikes(proof, wrong, beta):
    found = proof(Neuron(beta), WRONG[wrong])
    assert found.metrics["spikes_differing"] > 0
    count = found.metrics["spikes_differing"]
    told = f"{count} of 40960 spikes differ from the equations', the first in step "
    assert found.reason.startswith(told)


UNTRUE = {
    "the other detach": """
import dataclasses
right = step
def step(state, current, neuron):
    return right(state, current, dataclasses.replace(neuron, detach=not neuron.detach))
""",
    "another slope": """
right = spike_of
def spike_of(membrane, neuron):
    return Spike.apply(membrane - neuron.theta, 1.00001 * neuron.slope)
""",
    "another height": """
right = Spike.backward
Spike.backward = staticmethod(lambda ctx, grad: (right(ctx, grad)[0] * 1.00001, None))
""",
    "no gradient from later steps": """
right = step
def step(state, current, neuron):
    return right(state.detach(), current, neuron)
""",
    "no gradient for the inputs": """
class Layer(Layer):
    def forward(self, inputs):
        return super().forward(inputs.detach())
""",
}


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("untrue", UNTRUE)
def test_another_gradient_is_told_though_the_spikes_are_equal(proof, untrue, detach):
    found = proof(Neuron(0.9, detach=detach), UNTRUE[untrue])
    assert found.metrics["spikes_differing"] == 0
    assert found.reason.startswith("the spikes are equal, the gradients are not: off by ")


@pytest.mark.parametrize("beta", [0.5, 0.9, 1.0])
def test_the_inputs_have_one_right_answer_and_reach_the_threshold_exactly(beta):
    neuron = Neuron(beta)
    weight, inputs, gradient = problem(neuron)
    assert weight.shape == (N_OUT, 16)
    assert torch.equal(weight * 8, (weight * 8).round())
    assert all(map(torch.equal, (weight, inputs, gradient), problem(neuron)))


def test_errors_are_parts_of_the_largest_value():
    assert error(torch.tensor([1.0, -3.0]), torch.tensor([1.0, -4.0])) == 0.25
    assert error(None, torch.tensor([1.0])) == 1.0
