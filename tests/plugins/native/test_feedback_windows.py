"""Direct feedback alignment from window means, against a slow transcription and against autograd."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
dfa = pytest.importorskip("harness_native.dfa")

from . import tiny
from .literal import literal_rate_error, literal_spiking_layers

pytestmark = pytest.mark.native


def build(**overrides):
    values = {"output": "spikes", "thresholds": "1.5-0.5", "window": 6, "surrogate_window": 4}
    return tiny.build(dfa, **{**values, **overrides})


def mean_over_last(window, sequence, neuron):
    last = sequence[-window:]
    return sum(step[neuron] for step in last) / len(last)


def literal_gradients(model, spikes, targets, kept):
    """Every weight's change, by loops over samples and synapses, with the means written out."""
    p = model.params
    weights = [w.detach().tolist() for w in model.weights]
    grads = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    feedback = [model.feedback(number).tolist() for number in range(len(weights) - 1)]
    for sample, target in enumerate(targets.tolist()):
        factors = [layer[sample] for layer in kept]
        layers = literal_spiking_layers(spikes[:, sample].tolist(), weights, p, factors)
        gates = [
            [
                [1 / (1 + p.slope / p.theta * abs(u - theta)) ** 2 for u in step]
                for step in membranes
            ]
            for _, _, membranes, theta in layers
        ]
        last = len(layers) - 1
        error = literal_rate_error(layers[last][1], p.window, target, p.label_smoothing)
        error = [e * mean_over_last(p.window, gates[-1], c) for c, e in enumerate(error)]
        for number, (received, *_) in enumerate(layers):
            for n in range(len(weights[number])):
                if number == last:
                    signal = error[n]
                else:
                    signal = sum(e * row[n] for e, row in zip(error, feedback[number]))
                    signal *= mean_over_last(p.surrogate_window, gates[number], n)
                    signal *= factors[number][n]
                for i in range(len(received[0])):
                    change = signal * mean_over_last(p.window, received, i)
                    grads[number][n][i] += change / len(targets)
    return grads


@pytest.mark.parametrize("code", ["rate", "poisson"])
@pytest.mark.parametrize(
    ("hidden", "thresholds"), [("5", "1.5-0.5"), ("5-4", "1.5-0.7-0.5")], ids=["5", "5-4"]
)
@pytest.mark.parametrize(
    ("dropout", "theta", "resets"), [(0.0, 1.0, 1.0), (0.4, 1.25, 2.0)], ids=["plain", "all"]
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
    spikes, targets = tiny.batch(dfa, model)
    kept = tiny.kept(model, spikes, seed=3)[: len(model.weights) - 1]
    assert any(0.0 in sample for sample in kept[0]) == (dropout > 0)
    wanted = literal_gradients(model, spikes, targets, kept)
    dfa.harness_train_step(model, spikes, targets)
    for weight, gradient in zip(model.weights, wanted):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        assert gradient.abs().max() > 1e-4
        assert torch.allclose(weight.grad, gradient, rtol=1e-9, atol=1e-12)


def test_adam_takes_the_step():
    model = build(lr=0.005, schedule="constant")
    same = build(lr=0.005, schedule="constant")
    spikes, targets = tiny.batch(dfa, model)
    other = torch.optim.Adam(same.weights, lr=0.005)
    for _ in range(3):
        dfa.harness_train_step(model, spikes, targets)
        for weight, reference in zip(model.weights, same.weights):
            reference.grad = weight.grad.clone()
        other.step()
    for weight, reference in zip(model.weights, same.weights):
        assert torch.allclose(weight, reference, rtol=1e-12)


class Spike(torch.autograd.Function):
    """A spike at `theta` whose derivative is SuperSpike's."""

    @staticmethod
    def forward(ctx, membrane, theta, slope):
        ctx.save_for_backward(membrane)
        ctx.theta, ctx.slope = theta, slope
        return (membrane >= theta).to(membrane.dtype)

    @staticmethod
    def backward(ctx, grad):
        (membrane,) = ctx.saved_tensors
        return grad / (1 + ctx.slope * (membrane - ctx.theta).abs()) ** 2, None, None


def test_one_step_with_symmetric_feedback_is_the_gradient_of_the_squared_error():
    model = build(steps=1, window=1, surrogate_window=1)
    model.feedback0.copy_(model.weights[-1].detach())
    spikes, targets = tiny.batch(dfa, model)
    hidden, output = (w.detach().clone().requires_grad_() for w in model.weights)
    slope = model.params.slope
    emitted = Spike.apply(Spike.apply(spikes[0] @ hidden.T, 1.5, slope) @ output.T, 0.5, slope)
    wanted = torch.nn.functional.one_hot(targets, 4)
    ((emitted - wanted).square().sum() / 2 / len(targets)).backward()
    dfa.harness_train_step(model, spikes, targets)
    assert torch.allclose(model.weights[0].grad, hidden.grad, rtol=1e-9, atol=1e-12)
    assert torch.allclose(model.weights[1].grad, output.grad, rtol=1e-9, atol=1e-12)


def test_learns_digits(digits):
    setting = {
        "output": "spikes",
        "thresholds": "2-0.3",
        "slope": 0.02,
        "window": 8,
        "gain": 1.0,
        "feedback": 0.3,
        "epochs": 10,
    }
    assert digits("native-dfa", "harness_native.dfa", **setting) > 0.85
