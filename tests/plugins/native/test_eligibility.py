"""Eligibility traces against the literal online form: one trace a synapse, forward in time."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
eligibility = pytest.importorskip("harness_native.eligibility")

from . import tiny
from .literal import literal_layer, literal_traces

pytestmark = pytest.mark.native


def build(**overrides):
    return tiny.build(eligibility, **overrides)


def batch(model):
    return tiny.batch(eligibility, model)


def literal_gradients(model, spikes, targets):
    """The rule as a synapse would do it: no matrix product, nothing read from the future."""
    p = model.params
    weights = [w.detach().tolist() for w in model.weights]
    grads = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    norm = len(targets) * p.steps
    for sample in range(len(targets)):
        x = spikes[:, sample].tolist()
        layers = []
        for weight in weights[:-1]:
            layers.append((x, *literal_layer(x, weight, p)))
            x = layers[-1][1]
        readout_traces = literal_traces(x, p)
        errors = []
        for z in readout_traces:
            outputs = [sum(w * v for w, v in zip(row, z)) for row in weights[-1]]
            exps = [math.exp(value) for value in outputs]
            error = [e / sum(exps) for e in exps]
            error[int(targets[sample])] -= 1
            errors.append(error)
            for c, e in enumerate(error):
                for n, v in enumerate(z):
                    grads[-1][c][n] += e * v / norm
        for number, (inputs, _, membranes) in enumerate(layers):
            feedback = model.feedback(number).tolist()
            input_traces = literal_traces(inputs, p)
            for n in range(len(weights[number])):
                for i in range(len(inputs[0])):
                    fast = slow = 0.0
                    for t in range(p.steps):
                        distance = abs(membranes[t][n] - p.theta)
                        gate = 1 / (1 + p.slope / p.theta * distance) ** 2
                        fast = p.alpha * fast + gate * input_traces[t][i]
                        slow = p.beta * slow + fast
                        sent = sum(errors[t][c] * feedback[c][n] for c in range(4))
                        grads[number][n][i] += sent * slow / norm
    return grads


@pytest.mark.parametrize("code", ["rate", "poisson"])
@pytest.mark.parametrize("hidden", ["5", "5-4"])
def test_update_is_the_rule(code, hidden):
    model = build(code=code, hidden=hidden)
    spikes, targets = batch(model)
    wanted = literal_gradients(model, spikes, targets)
    eligibility.harness_train_step(model, spikes, targets)
    for weight, gradient in zip(model.weights, wanted):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        assert gradient.abs().max() > 1e-4
        assert torch.allclose(weight.grad, gradient, rtol=1e-9, atol=1e-12)


def test_readout_update_is_the_gradient_of_the_mean_loss():
    model = build()
    spikes, targets = batch(model)
    traces = eligibility.trace(model.layers(spikes)[-1].spikes, model.lif)
    readout = model.weights[-1].detach().clone().requires_grad_()
    outputs = traces @ readout.T
    torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.repeat(8)).backward()
    eligibility.harness_train_step(model, spikes, targets)
    assert torch.allclose(model.weights[-1].grad, readout.grad, rtol=1e-9, atol=1e-12)


def test_last_step_recorded_is_the_answer():
    model = build()
    spikes, _ = batch(model)
    recorded = eligibility.harness_evaluate(model, spikes, record=True)
    answer = eligibility.harness_evaluate(model, spikes, record=False).scores
    assert torch.allclose(recorded.scores[-1], answer)


def test_learns_digits(digits):
    assert digits("native-eligibility", "harness_native.eligibility", epochs=5) > 0.9
