"""The network of native-stdp: plastic synapses onto a winner-take-all layer, and a label readout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.plugin import Params, Task
from harness.plugin.toolkit.homeostasis import adapt, normalise
from harness.plugin.toolkit.stdp import homeostasis, remaining, scale
from harness_native.stdp_layer import NOBODY, Competition, compete, currents
from harness_native.stdp_rule import Plasticity, stdp


class Network(nn.Module):
    """All-to-all plastic synapses `weight` [n, n_in] onto competing neurons with thresholds [n].

    `readout` [n, C] gives class scores from spike counts. `presentations` is the planned length of
    training, over which the learning rate falls.
    """

    threshold: Tensor
    readout: Tensor

    def __init__(self, task: Task, params: Params) -> None:
        super().__init__()
        p = self.params = params
        self.presentations, self.presented = task.train_size * p.epochs, 0
        self.competition = Competition(p.tau, p.inhibition)
        self.scale = scale(p)
        weight = normalise(torch.rand(p.neurons, task.inputs), self.scale)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("threshold", torch.full((p.neurons,), p.threshold))
        self.register_buffer("readout", torch.zeros(p.neurons, task.classes))

    def forward(self, spikes: Tensor) -> Tensor:
        """The winners [T, B] of the competition for input `spikes` [T, B, n_in]."""
        drive = currents(spikes, self.weight / self.threshold.unsqueeze(1))
        return compete(drive, self.competition)

    @torch.no_grad()
    def learn(self, spikes: Tensor) -> Tensor:
        """One update from a batch of presentations [T, B, n_in]; returns their winners [T, B]."""
        p = self.params
        factor = remaining(self.presented, self.presentations, p)
        winners: Tensor = self(spikes)
        presentations = spikes.shape[1]
        # The weights of silent neurons do not change and are neither read nor written.
        fired, numbered = torch.unique(winners, return_inverse=True)
        if fired[0] == NOBODY:
            fired, numbered = fired[1:], numbered - 1
        rows = self.weight[fired]
        rule = Plasticity(p.learning_rate * factor, p.depression, p.tau_pre, p.tau_post)
        self.weight[fired] = normalise(rows + stdp(rows, spikes, numbered, rule), self.scale)
        counts = torch.bincount(winners.flatten() - NOBODY, minlength=p.neurons + 1)[1:]
        thresholds = adapt(self.threshold, counts, presentations, homeostasis(p, factor))
        self.threshold.copy_(thresholds)
        self.presented += presentations
        return winners

    def spike_counts(self, spikes: Tensor) -> Tensor:
        """How often each neuron spikes for each sample, [B, n], for input `spikes` [T, B, n_in]."""
        winners = self(spikes)
        samples, slots = winners.shape[1], len(self.threshold) + 1  # slot 0 counts `NOBODY`
        slot = (winners - NOBODY) + slots * torch.arange(samples, device=winners.device)
        counts = torch.bincount(slot.flatten(), minlength=samples * slots)
        return counts.view(samples, slots)[:, 1:]

    def scores(self, winners: Tensor) -> Tensor:
        """Class scores [T, B, C] from the spikes so far of `winners` [T, B]."""
        contributions: Tensor = self.readout[winners]
        contributions[winners == NOBODY] = 0
        return contributions.cumsum(dim=0)
