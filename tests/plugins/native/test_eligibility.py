"""Eligibility traces against the literal online form: one trace a synapse, forward in time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
eligibility = pytest.importorskip("harness_native.eligibility")

from harness.plugin import SPIKE_TRAIN, Task, Unsupported

from . import tiny
from .literal import literal_error, literal_network, literal_traces

pytestmark = pytest.mark.native


def build(**overrides):
    return tiny.build(eligibility, **overrides)


def batch(model):
    return tiny.batch(eligibility, model)


def literal_gradients(model, spikes, targets, kept):
    """The rule as a synapse would do it: no matrix product, nothing read from the future."""
    p = model.params
    weights = [w.detach().tolist() for w in model.weights]
    grads = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    window = min(p.window, p.steps)
    norm = len(targets) * window
    for sample in range(len(targets)):
        factors = [layer[sample] for layer in kept]
        x = spikes[:, sample].tolist()
        layers, emitted = literal_network(x, weights[:-1], p, factors)
        readout_traces = literal_traces(emitted, p)
        errors = []
        for t, z in enumerate(readout_traces):
            if t < p.steps - window:
                errors.append([0.0] * 4)
                continue
            outputs = [sum(w * v for w, v in zip(row, z)) for row in weights[-1]]
            errors.append(literal_error(outputs, int(targets[sample]), p.label_smoothing))
            for c, e in enumerate(errors[-1]):
                for n, v in enumerate(z):
                    grads[-1][c][n] += e * v / norm
        for number, (inputs, membranes) in enumerate(layers):
            feedback = model.feedback(number).tolist()
            input_traces = literal_traces(inputs, p)
            for n in range(len(weights[number])):
                for i in range(len(inputs[0])):
                    fast = slow = 0.0
                    for t in range(p.steps):
                        distance = abs(membranes[t][n] - p.theta)
                        gate = factors[number][n] / (1 + p.slope / p.theta * distance) ** 2
                        fast = p.alpha * fast + gate * input_traces[t][i]
                        slow = p.beta * slow + fast
                        sent = sum(errors[t][c] * feedback[c][n] for c in range(4))
                        grads[number][n][i] += sent * slow / norm
    return grads


@pytest.mark.parametrize("code", ["rate", "poisson"])
@pytest.mark.parametrize("hidden", ["5", "5-4"])
@pytest.mark.parametrize(("dropout", "window"), [(0.0, 8), (0.4, 3)])
def test_update_is_the_rule(code, hidden, dropout, window):
    model = build(
        code=code, hidden=hidden, window=window, dropout=dropout, label_smoothing=dropout / 2
    )
    spikes, targets = batch(model)
    kept = tiny.kept(model, spikes, seed=3)
    assert any(0.0 in sample for sample in kept[0]) == (dropout > 0)
    wanted = literal_gradients(model, spikes, targets, kept)
    eligibility.harness_train_step(model, spikes, targets)
    for weight, gradient in zip(model.weights, wanted):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        assert gradient.abs().max() > 1e-4
        assert torch.allclose(weight.grad, gradient, rtol=1e-9, atol=1e-12)


def test_readout_update_is_the_gradient_of_the_mean_loss():
    model = build(window=8)
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


def test_samples_that_are_spikes_over_time():
    task = Task("given", "classification", (2, 3), classes=4, train_size=10, steps=20)
    model = eligibility.harness_build_model(task, build().params, torch.device("cpu"))
    spikes = (torch.rand(20, 7, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    eligibility.harness_train_step(model, spikes, torch.arange(7) % 4)
    assert eligibility.harness_evaluate(model.eval(), spikes, True).scores.shape == (20, 7, 4)


def test_refuses_to_fit_spike_trains():
    task = Task("trains", SPIKE_TRAIN, (6,), classes=1, train_size=1, steps=20)
    with pytest.raises(Unsupported, match="classifies"):
        eligibility.harness_build_model(task, build().params, torch.device("cpu"))


def test_learns_digits(digits):
    assert digits("native-eligibility", "harness_native.eligibility", epochs=5) > 0.9


@pytest.mark.parametrize(("code", "enough"), [("latency", 0.8), ("poisson", 0.85)])
def test_learns_digits_from_spikes(digits, code, enough):
    assert digits("native-eligibility", "harness_native.eligibility", epochs=5, code=code) > enough
