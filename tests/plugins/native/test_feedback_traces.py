"""Traces of spiking outputs against the literal online form: one trace a synapse, forward in time."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
eligibility = pytest.importorskip("harness_native.eligibility")

from . import tiny
from .literal import literal_rate_error, literal_spiking_layers

pytestmark = pytest.mark.native


def build(**overrides):
    values = {"output": "spikes", "thresholds": "1.5-0.5", "window": 6, "trace_decay": 0.8}
    return tiny.build(eligibility, **{**values, **overrides})


def literal_gradients(model, spikes, targets, kept):
    """The rule as a synapse would do it: a trace that decays and grows, multiplied once at the end."""
    p = model.params
    weights = [w.detach().tolist() for w in model.weights]
    grads = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    feedback = [model.feedback(number).tolist() for number in range(len(weights) - 1)]
    for sample, target in enumerate(targets.tolist()):
        factors = [*(layer[sample] for layer in kept), [1.0] * 4]
        layers = literal_spiking_layers(spikes[:, sample].tolist(), weights, p, factors[:-1])
        error = literal_rate_error(layers[-1][1], p.window, target, p.label_smoothing)
        for number, (received, _, membranes, theta) in enumerate(layers):
            for n in range(len(weights[number])):
                if number == len(layers) - 1:
                    signal = error[n]
                else:
                    signal = sum(e * row[n] for e, row in zip(error, feedback[number]))
                for i in range(len(received[0])):
                    trace = 0.0
                    for x, u in zip(received, membranes):
                        rest = u[n] - theta if u[n] >= theta else u[n]
                        gate = 1 / (1 + p.slope / p.theta * abs(rest - theta)) ** 2
                        trace = p.trace_decay * trace + factors[number][n] * gate * x[i]
                    grads[number][n][i] += signal * trace / len(targets)
    return grads


@pytest.mark.parametrize("code", ["rate", "poisson"])
@pytest.mark.parametrize(
    ("hidden", "thresholds"), [("5", "1.5-0.5"), ("5-4", "1.5-0.7-0.5")], ids=["5", "5-4"]
)
@pytest.mark.parametrize(
    ("dropout", "theta", "resets"), [(0.0, 1.0, 2.0), (0.4, 1.25, 1.0)], ids=["plain", "all"]
)
def test_update_is_the_rule(code, hidden, thresholds, dropout, theta, resets):
    model = build(
        code=code,
        hidden=hidden,
        thresholds=thresholds,
        dropout=dropout,
        label_smoothing=dropout / 2,
        theta=theta,
        resets=resets,
    )
    spikes, targets = tiny.batch(eligibility, model)
    kept = tiny.kept(model, spikes, seed=3)[: len(model.weights) - 1]
    assert any(0.0 in sample for sample in kept[0]) == (dropout > 0)
    wanted = literal_gradients(model, spikes, targets, kept)
    eligibility.harness_train_step(model, spikes, targets)
    for weight, gradient in zip(model.weights, wanted):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        assert gradient.abs().max() > 1e-4
        assert torch.allclose(weight.grad, gradient, rtol=1e-9, atol=1e-12)


def test_trains_on_one_encoding_and_is_evaluated_on_another():
    model = build(code="poisson", test_code="rate")
    inputs = torch.rand(3, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(1)
    spikes = eligibility.harness_encode(model.train(), inputs, draws)
    assert spikes.unique().tolist() == [0, 1]
    currents = eligibility.harness_encode(model.eval(), inputs, draws)
    assert torch.equal(currents, inputs.flatten(1).expand(8, -1, -1))


def test_evaluates_on_the_encoding_of_training_by_default():
    model = build(code="poisson").eval()
    inputs = torch.rand(3, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    spikes = eligibility.harness_encode(model, inputs, torch.Generator().manual_seed(1))
    assert spikes.unique().tolist() == [0, 1]


def test_learns_digits(digits):
    setting = {
        "output": "spikes",
        "thresholds": "2-0.3",
        "gain": 1.0,
        "feedback": 0.3,
        "slope": 1.0,
        "epochs": 10,
    }
    assert digits("native-eligibility", "harness_native.eligibility", **setting) > 0.85
