"""Recurrent layers, for `network=recurrent`: neurons that receive their layer's spikes of the step before.

With input currents X, membrane potential U, spikes S and recurrent weights V [n, n], a layer computes

    U[t] = beta (U[t-1] - theta S[t-1]) + X[t] + V S[t-1]
    S[t] = 1 where U[t] >= theta + b a[t], else 0
    a[t] = rho a[t-1] + S[t-1]

A share of the neurons, `adaptive`, has an adaptive threshold, which rises by b with each spike and
falls back by rho in a step; b is 0 for the others. A layer with both kinds is an LSNN (Bellec et al.
2018, "Long short-term memory and learning-to-learn in networks of spiking neurons"); the equations
are those of the LIF and ALIF neurons in Bellec et al. 2020, "A solution to the learning dilemma for
recurrent networks of spiking neurons", Nature Communications 11, Methods, "Network models", in whose
notation they are alpha for beta, beta for b and v_th for theta. As there, a spike subtracts theta and not
the risen threshold. What differs: here the subtracted threshold decays with the membrane potential, and a
neuron may have a connection to itself.

The weights, the sum of the currents and the adaptation are the same for every framework and live here; a
plugin brings one step of its neurons, which have constant thresholds: in terms of W[t] = U[t] - b a[t],

    W[t] = beta (W[t-1] - theta S[t-1]) + X[t] + V S[t-1] - b (a[t] - beta a[t-1])
    S[t] = 1 where W[t] >= theta, else 0

so that an adaptive threshold is a constant one and a current. Spikes, the surrogate gradient (a function
of U - theta - b a = W - theta) and gradients through time are the same, up to rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from harness.plugin import Layer, ModelNeuron, Neuron, Parameter, Params
from harness.plugin.toolkit.parameters import only_where
from harness.plugin.toolkit.weights import gaussian_weight

RECURRENT = "recurrent"

PARAMETERS = only_where(
    {
        "recurrent_gain": Parameter(1.0, "scale of the initial recurrent weights", low=0.0),
        "adaptive": Parameter(0.0, "share of neurons with an adaptive threshold", 0.0, 1.0),
        "adaptation": Parameter(
            0.1, "rise of an adaptive threshold with each spike, in theta", low=0.0
        ),
        "adaptation_decay": Parameter(0.98, "decay of that rise in one step", 0.0, 1.0),
    },
    network=(RECURRENT,),
)

#: One step of a layer: currents [B, n] and the layer's state, None at rest, to spikes [B, n] and a state.
Step = Callable[[Tensor, Any], tuple[Tensor, Any]]


class Adaptation(NamedTuple):
    """The adaptive thresholds of a layer: b, of each neuron [n] or of all; rho; and the membrane's beta."""

    rise: Tensor | float
    decay: float
    beta: float


def run(
    currents: Tensor, step: Step, weight: Tensor | None = None, adaptation: Adaptation | None = None
) -> Tensor:
    """Spikes [T, B, n] of a layer that starts at rest and receives `currents` X [T, B, n].

    `weight` is V, None for a layer without recurrent connections. Differentiable in both.
    """
    spikes = trace = torch.zeros_like(currents[0])
    state, emitted = None, []
    for current in currents.unbind(0):
        if weight is not None:
            current = torch.addmm(current, spikes, weight.T)
        if adaptation is not None:
            rise, decay, beta = adaptation
            current = current - rise * torch.add(spikes, trace, alpha=decay - beta)
            trace = torch.add(spikes, trace, alpha=decay)
        spikes, state = step(current, state)
        emitted.append(spikes)
    return torch.stack(emitted)


class Recurrence(nn.Module):
    """The recurrent weights [n, n] of hidden layers of these `sizes`, N(0, recurrent_gain^2 / n).

    The first of each layer's neurons have adaptive thresholds, the share `adaptive`, but at least one.
    """

    def __init__(self, sizes: Sequence[int], params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        self.weights = nn.ParameterList(
            gaussian_weight(n, n, params.recurrent_gain, device) for n in sizes
        )

    def forward(self, currents: Tensor, number: int, step: Step) -> Tensor:
        """Spikes [T, B, n] of hidden layer `number`, from 1, for `currents` [T, B, n]."""
        return run(currents, step, self.weights[number - 1], self.adaptation(currents.shape[-1]))

    def adaptation(self, neurons: int) -> Adaptation | None:
        """The adaptive thresholds of a layer of so many neurons, None if it has none."""
        p = self.params
        if not p.adaptive:
            return None
        places = torch.arange(neurons, device=self.weights[0].device)
        adaptive = places < max(1, round(p.adaptive * neurons))
        return Adaptation(p.adaptation * p.theta * adaptive, p.adaptation_decay, p.beta)

    def recorded(self, number: int, spikes: Tensor) -> Layer:
        """The connection of hidden layer `number`, from 1, whose neurons emit `spikes` [T, B, n].

        It receives the spikes of the step before. Its outputs are recorded with the layer's inputs.
        """
        before = torch.cat([torch.zeros_like(spikes[:1]), spikes[:-1]])
        return Layer(f"hidden{number} recurrent", before, self.weights[number - 1], None)

    def neuron(self, constant: Neuron, step: Step) -> ModelNeuron:
        """`constant`, with an adaptive threshold if there are any, run as the layers run it, without V."""
        p = self.params
        if not p.adaptive:
            return ModelNeuron(constant, lambda currents: run(currents, step))
        rise, decay = p.adaptation * p.theta, p.adaptation_decay
        thresholds = Adaptation(rise, decay, p.beta)
        neuron = dataclasses.replace(constant, adaptation=rise, adaptation_decay=decay)
        return ModelNeuron(neuron, lambda currents: run(currents, step, None, thresholds))
