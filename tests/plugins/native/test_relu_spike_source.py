"""The preset `source` of native-relu-spike and its control: one update, written out step by step."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
relu_spike = pytest.importorskip("harness_native.relu_spike")

from harness_native import ann_relu
from harness_native.relu_sequence import ReluSequence, ReluUnit

from harness.plugin import Params

from . import tiny

pytestmark = pytest.mark.native


def build(module, preset, seed=3, **overrides):
    params = Params(**module.harness_presets().resolve(preset, "mnist", overrides))
    torch.manual_seed(seed)
    return module.harness_build_model(tiny.TASK, params, torch.device("cpu")).double()


def batch(samples=7):
    draws = torch.Generator().manual_seed(5)
    inputs = torch.rand(samples, 1, 2, 3, generator=draws, dtype=torch.float64)
    return inputs, torch.arange(samples) % tiny.TASK.classes


class Unit:
    """One layer of the original's units: they answer a step late."""

    def __init__(self):
        self.state, self.emission = torch.zeros(()), torch.zeros(())

    def step(self, current):
        before = self.state, self.emission
        state = 0.9 * self.state + current
        emission = (state - 2.0).clamp(min=0)
        fires = (emission > 0).to(state)
        self.state, self.emission = state - fires * (emission + 2.5), emission
        return before


def test_an_update_is_the_original_experiments():
    model = build(relu_spike, "source", hidden="9")
    with torch.no_grad():
        model.layers[0].weight.mul_(8)  # so that six inputs in [-0.5, 0.5] reach the threshold
        model.layers[1].weight.mul_(4)
    inputs, targets = batch()
    noise = torch.Generator().manual_seed(9)
    spikes = relu_spike.harness_encode(model, inputs, noise)
    assert len(spikes) == 128
    draws = torch.rand(
        spikes.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64
    )
    parameters = [p.detach().clone().requires_grad_() for p in model.parameters()]
    w1, b1, w2, b2 = parameters
    hidden, output, states, emitted = Unit(), Unit(), [], 0
    for draw in draws:
        _, emission = hidden.step((draw * (inputs.flatten(1) - 0.5)) @ w1.T + b1)
        emission = emission.expand(len(inputs), 9)
        state, _ = output.step(emission.to(w2) @ w2.T + b2)
        states.append(state.expand(len(inputs), 4))
        emitted += int((hidden.emission > 0).sum())
    assert emitted > 100
    log_probabilities = torch.stack(states).mean(0).log_softmax(1)
    loss = -log_probabilities[torch.arange(len(targets)), targets].mean()
    gradients = torch.autograd.grad(loss, parameters)

    scalars = relu_spike.harness_train_step(model, spikes, targets)
    assert float(scalars["loss"]) == pytest.approx(float(loss.detach()))
    for updated, before, gradient in zip(model.parameters(), parameters, gradients):
        assert gradient.abs().max() > 1e-3
        torch.testing.assert_close(updated.data, before.detach() - 0.1 * gradient)


def test_a_fixed_discharge_leaves_the_same_state_after_any_emission():
    inputs = torch.tensor([[2.5, 9.0], [0.0, 0.0]]).unsqueeze(1).requires_grad_()
    _, states = ReluSequence.apply(inputs, ReluUnit(0.5, 2.0, 2.5, proportional=False))
    assert states.flatten().tolist() == [-0.5, -0.5, -0.25, -0.25]
    states.sum().backward()
    assert inputs.grad[0].tolist() == [[0, 0]]  # nor does the state depend on the current before


def test_the_controls_update_is_the_original_experiments():
    model = build(ann_relu, "source", hidden="9")
    inputs, targets = batch()
    parameters = [p.detach().clone().requires_grad_() for p in model.parameters()]
    w1, b1, w2, b2 = parameters
    hidden = ((inputs.flatten(1) - 0.5) @ w1.T + b1).clamp(min=0)
    log_probabilities = (hidden @ w2.T + b2).log_softmax(1)
    loss = -log_probabilities[torch.arange(len(targets)), targets].mean()
    gradients = torch.autograd.grad(loss, parameters)
    ann_relu.harness_train_step(model, ann_relu.harness_encode(model, inputs), targets)
    for updated, before, gradient in zip(model.parameters(), parameters, gradients):
        torch.testing.assert_close(updated.data, before.detach() - 0.1 * gradient)


def test_the_network_with_dropout_has_no_biases_and_a_rectified_output():
    model = build(ann_relu, "source-dropout", hidden="30-20").eval()
    weights = [p.detach() for p in model.parameters()]
    assert [w.ndim for w in weights] == [2, 2, 2]
    assert all(0.08 < w.abs().max() <= 0.1 for w in weights)
    inputs, _ = batch()
    x = inputs.flatten(1)
    for weight in weights:
        x = (x @ weight.T).clamp(min=0)
    scores = ann_relu.harness_evaluate(model, ann_relu.harness_encode(model, inputs), False).scores
    torch.testing.assert_close(scores, x)
    assert (scores == 0).any()
    assert (scores > 0).any()
