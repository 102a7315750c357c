"""A winner-take-all layer of SpikingJelly's LIF neurons that learns by SpikingJelly's STDP.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015. Times are
in steps, membranes in units of the firing threshold.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.learning import STDPLearner
from torch import Tensor, nn

from harness.plugin import Params


class WinnerTakeAll(nn.Module):
    """LIF neurons with adaptive thresholds, of which at most one a step may spike.

    Lateral inhibition acts at once: of the neurons that reach their thresholds in a step, only
    the one furthest above spikes; it starts again from 0, and its spike takes `inhibition` from
    the membranes of all others, down to -`inhibition` at most.

    Input currents are divided by the thresholds. With a resting potential of 0 that equals
    comparing each membrane to its own threshold, and leaves LIFNode's kernels as they are.
    """

    threshold: Tensor

    def __init__(self, neurons: int, tau: float, threshold: float, inhibition: float) -> None:
        super().__init__()
        # After a soft reset, `v` of a neuron that fired is by how much it was above threshold.
        self.lif = neuron.LIFNode(tau=tau, decay_input=False, v_reset=None)
        self.inhibition = inhibition
        self.register_buffer("threshold", torch.full((neurons,), threshold))

    def forward(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] of the competition for `currents` [T, B, n]; begins and ends at rest."""
        functional.reset_net(self)
        spikes = [self._step(current) for current in (currents / self.threshold).unbind(0)]
        functional.reset_net(self)
        return torch.stack(spikes)

    def _step(self, current: Tensor) -> Tensor:
        fired = self.lif(current)
        best, winner = self.lif.v.masked_fill(fired == 0, -1.0).max(dim=1, keepdim=True)
        contested = best >= 0
        spikes = torch.zeros_like(fired).scatter_(1, winner, contested.to(fired))
        # A loser that fired gets its charge back before it is inhibited.
        inhibited = (self.lif.v + fired - self.inhibition).clamp_min_(-self.inhibition)
        self.lif.v = torch.where(contested, inhibited * (1 - spikes), self.lif.v)
        return spikes

    def adapt(self, spikes: Tensor, plus: float, target: float, decay: float) -> None:
        """Homeostasis after a batch of presentations with output `spikes` [T, B, n].

        A threshold rises by `plus` a spike (theta_plus of Diehl & Cook) and falls by what
        `target` spikes of the layer a presentation, shared equally, would have raised it;
        `decay` is the fraction that it loses a presentation.
        """
        presentations = spikes.shape[1]
        expected = target * presentations / self.threshold.numel()
        self.threshold += plus * (spikes.sum(dim=(0, 1)) - expected)
        self.threshold *= (1 - decay) ** presentations
        self.threshold.clamp_min_(1e-3)


class Network(nn.Module):
    """All-to-all plastic synapses [n, n_in] onto a winner-take-all layer, and its label readout.

    `presentations` is the planned length of training, over which learning cools down.
    """

    readout: Tensor

    def __init__(self, inputs: int, classes: int, presentations: int, params: Params) -> None:
        super().__init__()
        self.params = params
        self.presentations, self.presented = presentations, 0
        self.synapse = nn.Linear(inputs, params.neurons, bias=False).requires_grad_(False)
        self.neurons = WinnerTakeAll(
            params.neurons, params.tau, params.threshold, params.inhibition
        )
        self.register_buffer("readout", torch.zeros(params.neurons, classes))
        nn.init.uniform_(self.synapse.weight)
        self.normalise()

    @property
    def kernel(self) -> str:
        """The implementation of the LIF step that SpikingJelly runs on this device."""
        found = functional.neuron_implementation("lif", self.synapse.weight.device)
        return str(found["implementation"])

    def forward(self, spikes: Tensor) -> Tensor:
        """Output spikes [T, B, n] for input `spikes` [T, B, n_in]."""
        output: Tensor = self.neurons(self.synapse(spikes))
        return output

    @torch.no_grad()
    def learn(self, spikes: Tensor) -> Tensor:
        """One update from a batch of presentations [T, B, n_in]; returns their output spikes.

        The learner lives for one batch: its hooks then record nothing outside of learning, and its
        traces start from 0 with every presentation.
        """
        p = self.params
        heat = max(1 - p.anneal * self.presented / self.presentations, 0.0)
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
            self.synapse.weight += learner.step(on_grad=False, scale=p.learning_rate * heat)
        finally:
            learner.close()
        self.normalise()
        self.neurons.adapt(output, p.theta_plus * heat, p.target, p.theta_decay)
        self.presented += spikes.shape[1]
        return output

    @torch.no_grad()
    def normalise(self) -> None:
        """Scale each neuron's weights to a mean, or with order 2 a root mean square, of `norm`.

        Diehl & Cook keep the sum (78.4 over 784 inputs). With the root mean square the drive w.x
        compares neurons by the angle between weights and input, so broad receptive fields have no
        advantage over narrow ones, as in E. Oja, J. Math. Biology 15:267, 1982.
        """
        weight, order = self.synapse.weight.clamp_(min=0), self.params.norm_order
        size = weight.pow(order).mean(dim=1, keepdim=True).pow(1 / order)
        weight *= self.params.norm / size.clamp_min(1e-12)
