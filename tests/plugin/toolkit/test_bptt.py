"""The part of the network that all frameworks share, on neurons without memory."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params, Task
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.codes import is_constant

TASK = Task("tiny", "classification", (30, 40), classes=4, train_size=40)


class Thresholds(bptt.SpikingNetwork):
    def neurons(self, currents):
        return (currents >= 1).to(currents.dtype)


def build(**overrides):
    values = {"hidden": "500", "steps": 4, **overrides}
    params = Params(**bptt.presets(("fast_sigmoid",)).resolve("quick", "any", values))
    torch.manual_seed(0)
    return Thresholds(TASK, params, torch.device("cpu"))


@pytest.mark.parametrize("constant", [True, False])
def test_dropped_inputs_are_silent_in_every_step_and_only_in_training(constant):
    model = build(input_dropout=0.25)
    inputs = torch.ones(3, *TASK.input_shape)
    spikes = bptt.harness_encode(model, inputs, torch.Generator())
    assert is_constant(spikes)
    if not constant:
        spikes = spikes.clone()
    seen = model.train()(spikes)[0]
    assert is_constant(seen) == constant
    assert torch.equal(seen, seen[:1].expand_as(seen))
    assert seen.unique().tolist() == pytest.approx([0, 4 / 3])
    assert 0.2 < (seen[0] == 0).float().mean() < 0.3
    assert not torch.equal(seen[0, 0], seen[0, 1])
    assert model.eval()(spikes)[0] is spikes


def test_spike_trains_of_a_camera_are_flattened():
    model = build().eval()
    spikes = (torch.rand(4, 3, *TASK.input_shape) < 0.5).float()
    flat = spikes.flatten(2)
    for one, other in zip(model(spikes), model(flat)):
        assert torch.equal(one, other)


def test_scaled_gradient_leaves_the_values():
    values = torch.randn(5, requires_grad=True)
    scaled = bptt.scaled_gradient(values, 0.25)
    assert torch.equal(scaled, values)
    scaled.sum().backward()
    assert torch.equal(values.grad, torch.full((5,), 0.25))
