"""The fused gradient through time against autograd over the unrolled equations."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
bptt = pytest.importorskip("harness_native.bptt")

from harness_native.neurons import LIFParameters
from harness_native.spike_sequence import SpikeSequence
from harness_native.surrogates import SURROGATES

from harness.plugin import Params, Task, Unsupported
from tests.plugins import textbook

pytestmark = pytest.mark.native

TASK = Task("tiny", "classification", (1, 2, 3), classes=4, train_size=40)


class Spike(torch.autograd.Function):
    """One step's spike, with a surrogate derivative."""

    @staticmethod
    def forward(ctx, v, surrogate, slope):
        ctx.save_for_backward(v)
        ctx.surrogate, ctx.slope = surrogate, slope
        return (v >= 0).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad * SURROGATES[ctx.surrogate](v, ctx.slope), None, None


def unrolled(inputs, p, surrogate, slope, detach):
    """The neuron's equations, step by step, left to autograd."""
    current = membrane = spikes = torch.zeros_like(inputs[0])
    found = []
    for x in inputs:
        current = p.alpha * current + x
        reset = spikes.detach() if detach else spikes
        membrane = p.beta * (membrane - p.theta * reset) + current
        spikes = Spike.apply(membrane - p.theta, surrogate, slope)
        found.append(spikes)
    return torch.stack(found)


@pytest.mark.parametrize("surrogate", list(SURROGATES))
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_gradient_is_autograds(surrogate, detach, alpha):
    p = LIFParameters(alpha, 0.9, 1.0)
    draws = torch.Generator().manual_seed(0)
    inputs = 0.5 * torch.rand(12, 3, 5, dtype=torch.float64, generator=draws)
    weights = torch.randn(12, 3, 5, dtype=torch.float64, generator=draws)
    ours, theirs = (inputs.clone().requires_grad_() for _ in range(2))
    spikes, _ = SpikeSequence.apply(ours, p, surrogate, 1.5, detach)
    reference = unrolled(theirs, p, surrogate, 1.5, detach)
    assert 0.05 < spikes.mean() < 0.95
    assert torch.equal(spikes, reference)
    (spikes * weights).sum().backward()
    (reference * weights).sum().backward()
    assert theirs.grad.abs().max() > 0.1
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("surrogate", list(SURROGATES))
@pytest.mark.parametrize(("slope", "theta"), [(2.0, 1.0), (3.0, 0.75)])
def test_the_network_is_the_textbooks(detach, beta, surrogate, slope, theta):
    textbook.check(bptt, detach=detach, beta=beta, surrogate=surrogate, slope=slope, theta=theta)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recurrent_network_is_the_textbooks(detach, adaptive):
    textbook.check(bptt, **textbook.RECURRENT, detach=detach, adaptive=adaptive)


def test_adaptive_thresholds_behind_a_synapse_are_refused():
    with pytest.raises(Unsupported, match="needs alpha=0"):
        textbook.build(bptt, **textbook.RECURRENT, adaptive=0.5, alpha=0.5)


def test_surrogates_peak_at_the_threshold_and_fall():
    v = torch.tensor([-1.0, -0.1, 0.0, 0.1, 1.0])
    for surrogate in SURROGATES.values():
        found = surrogate(v, 1.0).tolist()
        assert found[2] == 1
        assert found[0] == found[4] < found[1] == found[3] < 1


def build(**overrides):
    values = {"hidden": 5, "steps": 6, "epochs": 1, **overrides}
    params = Params(**bptt.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(0)
    return bptt.harness_build_model(TASK, params, torch.device("cpu"))


def test_dropped_neurons_are_silent_in_every_step_and_only_in_training():
    model = build(dropout=0.5, hidden=200)
    spikes = bptt.harness_encode(model, torch.ones(1, 1, 2, 3), torch.Generator())
    kept = model.train()(spikes)[1].amax(0)
    all_of_them = model.eval()(spikes)[1].amax(0)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert set(all_of_them.unique().tolist()) <= {0.0, 1.0}
    assert 0 < (kept > 0).sum() < (all_of_them > 0).sum()


def test_last_step_recorded_is_the_answer():
    model = build().eval()
    spikes = bptt.harness_encode(model, torch.rand(3, 1, 2, 3), torch.Generator())
    recorded = bptt.harness_evaluate(model, spikes, record=True).scores[-1]
    assert torch.allclose(recorded, bptt.harness_evaluate(model, spikes, record=False).scores)


def test_learns_digits(digits):
    assert digits("native-bptt", "harness_native.bptt", epochs=5) > 0.9
