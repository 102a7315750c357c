"""A winner-take-all layer of SpikingJelly's LIF neurons that learns by SpikingJelly's STDP.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015. Times are
in steps, membrane potentials in units of the firing threshold.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.learning import STDPLearner
from torch import Tensor, nn

from harness.plugin import Params, Task
from harness.plugin.toolkit.homeostasis import adapt, normalise
from harness.plugin.toolkit.stdp import homeostasis, remaining, scale


class WinnerTakeAll(nn.Module):
    """LIF neurons with adaptive thresholds, of which at most one a step may spike.

    Lateral inhibition acts within the step: of the neurons that reach their thresholds, only the one
    furthest above spikes. Its potential returns to 0, and `inhibition` is subtracted from the
    potentials of all others, down to -`inhibition` at most.

    Input currents are divided by the thresholds. With a resting potential of 0 this equals a
    comparison of each potential with its own threshold, and LIFNode's kernels can be used unchanged.
    """

    threshold: Tensor

    def __init__(self, neurons: int, tau: float, threshold: float, inhibition: float) -> None:
        super().__init__()
        # After a soft reset, `v` of a neuron that fired is its distance above the threshold.
        self.lif = neuron.LIFNode(tau=tau, decay_input=False, v_reset=None)
        self.inhibition = inhibition
        self.register_buffer("threshold", torch.full((neurons,), threshold))

    def forward(self, currents: Tensor) -> Tensor:
        """The winners' spikes [T, B, n] for `currents` [T, B, n]; begins and ends at rest."""
        functional.reset_net(self)
        spikes = [self._step(current) for current in (currents / self.threshold).unbind(0)]
        functional.reset_net(self)
        return torch.stack(spikes)

    def _step(self, current: Tensor) -> Tensor:
        fired = self.lif(current)
        best, winner = self.lif.v.masked_fill(fired == 0, -1.0).max(dim=1, keepdim=True)
        contested = best >= 0
        spikes = torch.zeros_like(fired).scatter_(1, winner, contested.to(fired))
        # A loser that fired gets its threshold back before it is inhibited.
        inhibited = (self.lif.v + fired - self.inhibition).clamp_min_(-self.inhibition)
        self.lif.v = torch.where(contested, inhibited * (1 - spikes), self.lif.v)
        return spikes


class Network(nn.Module):
    """All-to-all plastic synapses [n, n_in] onto a winner-take-all layer, and its label readout.

    `presentations` is the planned length of training, over which the learning rate falls.
    """

    readout: Tensor

    def __init__(self, task: Task, params: Params) -> None:
        super().__init__()
        self.params = params
        self.presentations, self.presented = task.train_size * params.epochs, 0
        self.synapse = nn.Linear(task.inputs, params.neurons, bias=False).requires_grad_(False)
        self.neurons = WinnerTakeAll(
            params.neurons, params.tau, params.threshold, params.inhibition
        )
        self.register_buffer("readout", torch.zeros(params.neurons, task.classes))
        nn.init.uniform_(self.synapse.weight)
        self.normalise()

    def forward(self, spikes: Tensor) -> Tensor:
        """Output spikes [T, B, n] for input `spikes` [T, B, n_in]."""
        output: Tensor = self.neurons(self.synapse(spikes))
        return output

    def spike_counts(self, spikes: Tensor) -> Tensor:
        """How often each neuron spikes for each sample, [B, n], for input `spikes` [T, B, n_in]."""
        output: Tensor = self(spikes)
        return output.sum(dim=0)

    @torch.no_grad()
    def learn(self, spikes: Tensor) -> Tensor:
        """One update from a batch of presentations [T, B, n_in]; returns their output spikes.

        There is a new learner for each batch: so its hooks record nothing outside of training, and
        its traces start from 0 with every presentation.
        """
        p = self.params
        factor = remaining(self.presented, self.presentations, p)
        learner = STDPLearner(
            step_mode="m",
            synapse=self.synapse,
            sn=self.neurons,
            tau_pre=p.tau_pre,
            tau_post=p.tau_post,
            f_pre=lambda weight: p.depression * weight,
            f_post=lambda weight: (1 - weight).clamp_min_(0),
        )
        try:
            output: Tensor = self(spikes)
            self.synapse.weight += learner.step(on_grad=False, scale=p.learning_rate * factor)
        finally:
            learner.close()
        self.normalise()
        threshold, presentations = self.neurons.threshold, spikes.shape[1]
        counts = output.sum(dim=(0, 1))
        threshold.copy_(adapt(threshold, counts, presentations, homeostasis(p, factor)))
        self.presented += presentations
        return output

    @torch.no_grad()
    def normalise(self) -> None:
        """Scales the weights of each neuron to the same size."""
        self.synapse.weight.copy_(normalise(self.synapse.weight, scale(self.params)))
