"""One step of the neurons after the other is the whole sequence: the same bits, the same gradient."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("harness_native")

from harness_native.neurons import LIFParameters
from harness_native.spike_sequence import SpikeSequence
from harness_native.spike_step import spike_step
from harness_native.surrogates import SURROGATES

pytestmark = pytest.mark.native


def stepwise(inputs, *arguments):
    state, emitted = None, []
    for step in inputs.unbind(0):
        spikes, state = spike_step(step, state, *arguments)
        emitted.append(spikes)
    return torch.stack(emitted)


@pytest.mark.parametrize("surrogate", list(SURROGATES))
@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_steps_are_the_sequence(surrogate, detach, alpha):
    draws = torch.Generator().manual_seed(0)
    inputs = 0.5 * torch.rand(12, 3, 50, generator=draws)
    weights = torch.randn(12, 3, 50, generator=draws)
    arguments = (LIFParameters(alpha, 0.9, 0.8), surrogate, 1.5, detach)
    found = []
    for run in (lambda x: SpikeSequence.apply(x, *arguments)[0], lambda x: stepwise(x, *arguments)):
        leaf = inputs.clone().requires_grad_()
        spikes = run(leaf)
        (spikes * weights).sum().backward()
        found.append((spikes, leaf.grad))
    (sequence, gradient), (steps, their_gradient) = found
    assert torch.equal(sequence, steps)
    assert 0.05 < steps.mean() < 0.95
    torch.testing.assert_close(gradient, their_gradient, rtol=1e-5, atol=1e-6)
