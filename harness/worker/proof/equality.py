"""Proves that a framework's layer is the requested neuron, on inputs that reveal a difference.

Weights are eighths of theta and inputs are 0 or 1, so that sums are exact in any order and membrane
potentials reach exactly the threshold, where > and >= differ. Neurons whose membrane potential is
within rounding error of the threshold are excluded, because two correct implementations may differ
there. The exclusion uses the reference equations only. For the remaining neurons only one result is
correct, and every spike is compared.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.plugin import Neuron
from harness.protocol.events import Proved
from harness.worker.layer_hook import LayerHook
from harness.worker.proof.reference import Dynamics, dynamics

#: Few enough steps that every membrane potential for beta = 1/2 is exact in float64: 3 + 40 bits.
STEPS, BATCH, N_IN, N_OUT = 40, 8, 16, 128
#: The largest error of a gradient, as a fraction of its largest value: float32 rounds at 6e-8. A
#: surrogate gradient that is narrower than theta magnifies the rounding of a membrane potential: the
#: tolerance is then larger by the same factor.
TOLERANCE = 1e-6
#: Closer to the threshold than this, but not on it, rounding may decide.
_MARGIN = 1e-5
_CANDIDATES = 8  # for each neuron that is compared


def problem(
    neuron: Neuron, n_out: int = N_OUT, steps: int = STEPS
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights [n_out, n_in], inputs [T, B, n_in], and the gradient at the spikes [T, B, n_out].

    The same for every framework: they depend on the neuron and these sizes alone.
    """
    draws = torch.Generator().manual_seed(0)
    candidates = _CANDIDATES * n_out
    weight = torch.randint(-5, 11, (candidates, N_IN), generator=draws) / 8
    inputs = (torch.rand(steps, BATCH, N_IN, generator=draws) < 0.2).float()
    # In the first two samples a single input is active, which brings many neurons from rest to
    # exactly the threshold, repeatedly: in one step, or for beta = 1 in two.
    inputs[:, :2, 2:] = 0
    inputs[:, 0, 1] = inputs[:, 1, 0] = 0
    weight[: candidates // 2, 0] = 1
    weight[: candidates // 2, 1] = 0.5
    weight = weight[torch.randperm(candidates, generator=draws)] * neuron.theta
    decided = _decided(dynamics(inputs @ weight.T, neuron), neuron)
    weight = weight[decided][:n_out].contiguous()
    return weight, inputs, torch.randn(steps, BATCH, len(weight), generator=draws)


def _decided(response: Dynamics, neuron: Neuron) -> Tensor:
    """The neurons [n] whose membrane potential is never near the threshold, except exactly on it."""
    distance = (response.membranes - neuron.theta).abs()
    before = torch.cat([torch.zeros_like(response.after_reset[:1]), response.after_reset[:-1]])
    # Sums of eighths and their halves are exact; with another beta only a neuron at rest is, and none
    # whose threshold has risen.
    exact = (before == 0) | (neuron.beta in (0.0, 0.5, 1.0))
    exact &= neuron.adaptation == 0
    clear = (distance > _MARGIN) | ((distance == 0) & exact)
    return clear.all(dim=0).all(dim=0)


def prove(hook: LayerHook, neuron: Neuron, device: torch.device) -> Proved:
    """Compares the plugin's layer with the equations: all spikes, and both gradients."""
    weight, inputs, gradient = problem(neuron)
    wanted_weight = weight.double().requires_grad_()
    wanted_inputs = inputs.double().requires_grad_()
    wanted = dynamics(wanted_inputs @ wanted_weight.T, neuron)
    torch.autograd.backward(wanted.spikes, gradient.double())

    layer = hook.build(neuron, weight, device)
    inputs = inputs.to(device).requires_grad_()
    spikes = hook.call(layer, inputs)
    torch.autograd.backward(spikes, gradient.to(device))

    differing = spikes.detach().cpu().double() != wanted.spikes.detach()
    weight_error = error(layer.get_parameter("weight").grad, wanted_weight.grad)
    input_error = error(inputs.grad, wanted_inputs.grad)
    reason, count = difference(differing), int(differing.sum())
    if not reason and max(weight_error, input_error) > tolerance(neuron):
        reason = (
            f"the spikes are equal, the gradients are not: off by {weight_error:.1g} (weights) and "
            f"{input_error:.1g} (inputs) of their largest value"
        )
    metrics = {
        "spikes_compared": differing.numel(),
        "spikes_differing": count,
        "spikes_at_threshold": int((wanted.membranes == neuron.theta).sum()),
        "weight_gradient_error": weight_error,
        "input_gradient_error": input_error,
    }
    return Proved(reason=reason, metrics=metrics)


def tolerance(neuron: Neuron) -> float:
    """The largest error of a gradient that rounding explains."""
    return TOLERANCE * max(1.0, neuron.slope * neuron.theta)


def difference(differing: Tensor) -> str:
    """Where spikes differ from the equations', by a mask [T, B, n]; "" where none does."""
    if not (count := int(differing.sum())):
        return ""
    first = int(differing.flatten(1).any(1).nonzero()[0])
    return (
        f"{count} of {differing.numel()} spikes differ from the equations', "
        f"the first in step {first + 1} of {len(differing)}"
    )


def error(gradient: Tensor | None, wanted: Tensor | None) -> float:
    """The largest difference between two gradients, as a fraction of the largest value of `wanted`."""
    assert wanted is not None
    if gradient is None:
        return 1.0  # no gradient at all
    difference = (gradient.detach().cpu().double() - wanted.double()).abs().max()
    return float(difference) / (float(wanted.abs().max()) or 1.0)
