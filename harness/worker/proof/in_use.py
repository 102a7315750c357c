"""Whether the neuron that a trained model runs is the textbook's, by the proof of `harness layers`."""

from __future__ import annotations

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.plugin import ModelNeuron, Neuron, Params
from harness.worker.proof.equality import difference, error, problem, tolerance
from harness.worker.proof.reference import dynamics

EQUAL = "equal to the textbook's"
ANOTHER = "another neuron: {}"
NOT_PROVED = "another neuron: not proved to be the textbook's, the plugin has no harness_neuron"
#: Fewer neurons and steps than a layer's proof compares: it is made in every trial.
_NEURONS, _STEPS = 32, 16
#: A model may compute in units of its own, whose rounding a layer's weights avoid; another surrogate
#: gradient or another reset is off by percents.
_ROUNDING = 10
#: The parameters of a row that mean the same as a field of `Neuron`.
_SHARED = ("beta", "theta", "detach", "surrogate")


@torch.enable_grad()
def neuron_in_use(used: ModelNeuron, params: Params, device: torch.device) -> str:
    """`EQUAL`, or in which way the model's neuron is another one than its row says."""
    neuron = used.neuron
    if neuron.reset != "subtract" or neuron.compare != ">=":
        return ANOTHER.format(f"it spikes where U {neuron.compare} theta, reset: {neuron.reset}")
    for name in _SHARED:
        own, asked = getattr(neuron, name), getattr(params, name, None)
        if asked is not None and own != asked:
            return ANOTHER.format(f"its {name} is {own} and the row's is {asked}")
    reason = _unequal(used.spikes, neuron, device)
    return ANOTHER.format(reason) if reason else EQUAL


def _unequal(run: object, neuron: Neuron, device: torch.device) -> str:
    """What differs between `run` and the equations of `neuron`, or ""."""
    if not callable(run):
        raise InvalidOutput("harness_neuron: `spikes` is no function of currents [T, B, n]")
    weight, inputs, gradient = problem(neuron, _NEURONS, _STEPS)
    currents = inputs @ weight.T
    wanted_currents = currents.double().requires_grad_()
    wanted = dynamics(wanted_currents, neuron).spikes
    # Of sums: given a gradient, torch imports half of its compiler, which takes seconds.
    (wanted_gradient,) = torch.autograd.grad((wanted * gradient).sum(), wanted_currents)

    currents = currents.to(device).requires_grad_()
    spikes = run(currents)
    if not isinstance(spikes, Tensor) or spikes.shape != currents.shape:
        shape = tuple(spikes.shape) if isinstance(spikes, Tensor) else type(spikes).__name__
        raise InvalidOutput(
            f"harness_neuron: `spikes` returned {shape} for currents {tuple(currents.shape)}"
        )
    if reason := difference(spikes.detach().cpu().double() != wanted.detach()):
        return reason
    if not spikes.requires_grad:
        return "the spikes are equal and have no gradient"
    weighted = (spikes * gradient.to(device)).sum()
    (own_gradient,) = torch.autograd.grad(weighted, currents, allow_unused=True)
    off = error(own_gradient, wanted_gradient)
    if off > _ROUNDING * tolerance(neuron):
        return (
            f"the spikes are equal, the gradients are not: off by {off:.1g} of their largest value"
        )
    return ""
