"""A winner-take-all layer of SpikingJelly's LIF neurons that learns by SpikingJelly's STDP.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015. Time is in
steps, membranes are in units of the firing threshold.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.learning import STDPLearner
from torch import Tensor, nn

from harness.contract import Params


class WinnerTakeAll(nn.Module):
    """LIF neurons with adaptive thresholds, of which one a step may spike.

    Lateral inhibition is instantaneous: of the neurons that reach their threshold in one step, only
    the one furthest above it spikes, and its spike takes `inhibition` from the membranes of all
    others, not below -`inhibition`. STDPLearner records what this module returns: the
    spikes after the competition, not the LIF neurons' own.

    The input currents [T, B, n] are divided by the thresholds [n]. With a resting potential
    of 0 that is the same as a threshold for each neuron, and leaves LIFNode's kernels as they are.
    """

    threshold: Tensor

    def __init__(self, neurons: int, params: Params) -> None:
        super().__init__()
        # A soft reset leaves in `v` by how much a neuron that fired was above its threshold.
        self.lif = neuron.LIFNode(tau=params.tau, decay_input=False, v_reset=None)
        self.inhibition: float = params.inhibition
        self.register_buffer("threshold", torch.full((neurons,), params.threshold))

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n], 0 or 1, for `currents` [T, B, n]; starts and ends at rest."""
        functional.reset_net(self)
        spikes = [self._step(current) for current in (currents / self.threshold).unbind(0)]
        functional.reset_net(self)
        return torch.stack(spikes)

    def _step(self, current: Tensor) -> Tensor:
        fired = self.lif(current)
        excess = self.lif.v.masked_fill(fired == 0, -1.0)
        best, winner = excess.max(dim=1, keepdim=True)
        any_fired = (best >= 0).to(fired)
        spikes = torch.zeros_like(fired).scatter_(1, winner, any_fired)
        # A loser that fired gets its charge back before it is inhibited; the winner starts from 0.
        inhibited = (self.lif.v + fired - self.inhibition).clamp_min(-self.inhibition)
        self.lif.v = torch.where(any_fired > 0, inhibited * (1 - spikes), self.lif.v)
        return spikes

    def adapt(self, spikes: Tensor, target: float, plus: float, decay: float) -> None:
        """Homeostasis after a batch of presentations: the thresholds follow `spikes` [T, B, n].

        theta_plus a spike, as in Diehl & Cook, less what `target` spikes of the whole layer
        a presentation would add to each neuron if they shared them equally.
        """
        counts = spikes.sum(dim=(0, 1))
        expected = target * spikes.shape[1] / self.threshold.numel()
        self.threshold.add_(plus * (counts - expected)).mul_(1 - decay).clamp_min_(1e-3)


class Network(nn.Module):
    """All-to-all plastic synapses [n, n_in] onto a winner-take-all layer, and its label readout."""

    responses: Tensor
    presented: Tensor

    def __init__(self, inputs: int, classes: int, presentations: int, params: Params) -> None:
        super().__init__()
        self.params = params
        self.presentations = presentations
        self.synapse = nn.Linear(inputs, params.neurons, bias=False).requires_grad_(False)
        self.neurons = WinnerTakeAll(params.neurons, params)
        self.register_buffer("responses", torch.zeros(params.neurons, classes))
        self.register_buffer("presented", torch.zeros((), dtype=torch.int64))
        nn.init.uniform_(self.synapse.weight, 0.0, 1.0)
        self.normalise()

    def forward(self, spikes: Tensor) -> Tensor:
        """Output spikes [T, B, n] for input `spikes` [T, B, n_in]."""
        output: Tensor = self.neurons(self.synapse(spikes))
        return output

    def learn(self, spikes: Tensor) -> Tensor:
        """One update of SpikingJelly's rule for a batch of presentations; the output spikes.

        The learner lives for one batch only, so that its hooks record nothing elsewhere and
        its traces start at 0 with every presentation.
        """
        p = self.params
        rate = p.learning_rate * max(1 - p.anneal * self.presented.item() / self.presentations, 0.0)
        learner = STDPLearner(
            "m",
            self.synapse,
            self.neurons,
            p.tau_pre,
            p.tau_post,
            f_pre=lambda w: p.depression * w,
            f_post=lambda w: (1 - w).clamp_min_(0.0),
        )
        try:
            output = self(spikes)
            self.synapse.weight += learner.step(on_grad=False, scale=rate)
        finally:
            learner.close()
        self.normalise()
        self.neurons.adapt(output, p.target, p.theta_plus, p.theta_decay)
        self.presented += spikes.shape[1]
        return output

    def normalise(self) -> None:
        """Scale the weights of each neuron to the mean `norm` (Diehl & Cook: 78.4 / 784)."""
        weight = self.synapse.weight
        weight.clamp_(0.0)
        weight *= self.params.norm / weight.mean(dim=1, keepdim=True).clamp_min(1e-12)
