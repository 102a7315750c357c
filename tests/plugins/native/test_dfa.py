"""Direct feedback alignment against a slow transcription of its equations, and against autograd."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
dfa = pytest.importorskip("harness_native.dfa")

from harness.plugin import SPIKE_TRAIN, Task, Unsupported

from . import tiny
from .literal import literal_error, literal_network, literal_traces

pytestmark = pytest.mark.native


def build(**overrides):
    return tiny.build(dfa, **overrides)


def batch(model):
    return tiny.batch(dfa, model)


def literal_gradients(model, spikes, targets, kept):
    """Every weight's change, by loops over samples, neurons and steps in the rule's own notation."""
    p = model.params
    weights = [w.detach().tolist() for w in model.weights]
    grads = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    samples = len(targets)
    for sample in range(samples):
        factors = [layer[sample] for layer in kept]
        x = spikes[:, sample].tolist()
        layers, emitted = literal_network(x, weights[:-1], p, factors)
        traces = literal_traces(emitted, p)
        last = range(p.steps - min(p.window, p.steps), p.steps)
        mean = [sum(traces[t][n] for t in last) / len(last) for n in range(len(traces[0]))]
        logits = [sum(w * z for w, z in zip(row, mean)) for row in weights[-1]]
        error = literal_error(logits, int(targets[sample]), p.label_smoothing)
        for c, e in enumerate(error):
            for n, z in enumerate(mean):
                grads[-1][c][n] += e * z / samples
        for number, (inputs, membranes) in enumerate(layers):
            feedback = model.feedback(number).tolist()
            input_traces = literal_traces(inputs, p)
            for n in range(len(weights[number])):
                sent = factors[number][n] * sum(error[c] * feedback[c][n] for c in range(4))
                for t in last:
                    distance = abs(membranes[t][n] - p.theta)
                    gate = 1 / (1 + p.slope / p.theta * distance) ** 2
                    for i, trace in enumerate(input_traces[t]):
                        grads[number][n][i] += sent * gate * trace / len(last) / samples
    return grads


@pytest.mark.parametrize("code", ["rate", "poisson"])
@pytest.mark.parametrize("hidden", ["5", "5-4"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_update_is_the_rule(code, hidden, dropout):
    model = build(code=code, hidden=hidden, dropout=dropout, label_smoothing=dropout / 2)
    spikes, targets = batch(model)
    kept = tiny.kept(model, spikes, seed=3)
    assert any(0.0 in sample for sample in kept[0]) == (dropout > 0)
    wanted = literal_gradients(model, spikes, targets, kept)
    dfa.harness_train_step(model, spikes, targets)
    for weight, gradient in zip(model.weights, wanted):
        gradient = torch.tensor(gradient, dtype=torch.float64)
        assert gradient.abs().max() > 1e-4
        assert torch.allclose(weight.grad, gradient, rtol=1e-9, atol=1e-12)


class Spike(torch.autograd.Function):
    """A spike whose derivative is SuperSpike's."""

    @staticmethod
    def forward(ctx, membrane, slope):
        ctx.save_for_backward(membrane)
        ctx.slope = slope
        return (membrane >= 1).to(membrane.dtype)

    @staticmethod
    def backward(ctx, grad):
        (membrane,) = ctx.saved_tensors
        return grad / (1 + ctx.slope * (membrane - 1).abs()) ** 2, None


def test_one_step_with_symmetric_feedback_is_the_surrogate_gradient():
    model = build(steps=1, window=1)
    model.feedback0.copy_(model.weights[-1].detach())
    spikes, targets = batch(model)
    hidden, readout = (w.detach().clone().requires_grad_() for w in model.weights)
    emitted = Spike.apply(spikes[0] @ hidden.T, model.params.slope)
    torch.nn.functional.cross_entropy(emitted @ readout.T, targets).backward()
    dfa.harness_train_step(model, spikes, targets)
    assert torch.allclose(model.weights[0].grad, hidden.grad, rtol=1e-9, atol=1e-12)
    assert torch.allclose(model.weights[1].grad, readout.grad, rtol=1e-9, atol=1e-12)


def test_readout_update_is_the_gradient():
    model = build()
    spikes, targets = batch(model)
    traces = dfa.trace(model.layers(spikes)[-1][1], model.lif)[-3:].mean(0)
    readout = model.weights[-1].detach().clone().requires_grad_()
    torch.nn.functional.cross_entropy(traces @ readout.T, targets).backward()
    dfa.harness_train_step(model, spikes, targets)
    assert torch.allclose(model.weights[-1].grad, readout.grad, rtol=1e-9, atol=1e-12)


def test_constant_current_is_one_product_and_the_same_answer():
    model = build()
    spikes, _ = batch(model)
    assert spikes.stride(0) == 0
    model.eval()
    short = dfa.harness_evaluate(model, spikes, record=True).scores
    long = dfa.harness_evaluate(model, spikes.contiguous(), record=True).scores
    assert torch.allclose(short, long, rtol=1e-12)


def test_last_step_recorded_is_the_answer():
    model = build()
    spikes, _ = batch(model)
    recorded = dfa.harness_evaluate(model, spikes, record=True)
    assert torch.allclose(recorded.scores[-1], dfa.harness_evaluate(model, spikes, False).scores)
    assert [layer.name for layer in recorded.layers] == ["hidden1", "readout"]


def test_dropout_is_for_training_only():
    model = build(dropout=0.5, hidden="50").eval()
    spikes, _ = batch(model)
    assert all(layer.kept is None for layer in model.layers(spikes))
    assert any(layer.kept is not None for layer in model.train().layers(spikes))


def test_samples_that_are_spikes_over_time():
    task = Task("given", "classification", (2, 3), classes=4, train_size=10, steps=20)
    model = dfa.harness_build_model(task, build().params, torch.device("cpu"))
    spikes = (torch.rand(20, 7, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    dfa.harness_train_step(model, spikes, torch.arange(7) % 4)
    answer = dfa.harness_evaluate(model.eval(), spikes, True)
    assert answer.scores.shape == (20, 7, 4)
    assert answer.layers[0].inputs.shape == (20, 7, 6)


def test_refuses_to_fit_spike_trains():
    task = Task("trains", SPIKE_TRAIN, (6,), classes=1, train_size=1, steps=20)
    with pytest.raises(Unsupported, match="classifies"):
        dfa.harness_build_model(task, build().params, torch.device("cpu"))


def test_cosine_schedule_ends_near_zero():
    model = build(schedule="cosine", batch_size=10)
    spikes, targets = batch(model)
    assert model.optimizer.lr == model.params.lr
    for _ in range(tiny.TASK.train_size // 10):
        dfa.harness_train_step(model, spikes, targets)
    assert model.optimizer.lr == pytest.approx(0, abs=1e-12)


def test_learns_digits(digits):
    assert digits("native-dfa", "harness_native.dfa", epochs=5) > 0.9


@pytest.mark.parametrize(("code", "enough"), [("latency", 0.8), ("poisson", 0.85)])
def test_learns_digits_from_spikes(digits, code, enough):
    assert digits("native-dfa", "harness_native.dfa", epochs=5, code=code) > enough
