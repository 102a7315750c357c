"""The network of native-stdp: plastic synapses onto a winner-take-all layer, and a label readout."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.plugin import Params, Task
from harness_native.stdp_layer import (
    NOBODY,
    Competition,
    Homeostasis,
    adapt,
    compete,
    currents,
)
from harness_native.stdp_rule import Plasticity, Scale, normalise, stdp


class Network(nn.Module):
    """All-to-all plastic synapses `weight` [n, n_in] onto competing neurons with thresholds [n].

    `readout` [n, C] scores classes from spike counts. `presentations` is the planned length of
    training, over which learning cools down.
    """

    threshold: Tensor
    readout: Tensor

    def __init__(self, task: Task, params: Params) -> None:
        super().__init__()
        p = self.params = params
        self.presentations, self.presented = task.train_size * p.epochs, 0
        self.competition = Competition(p.tau, p.inhibition)
        self.scale = Scale(p.norm, p.norm_order)
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
        heat = max(1 - p.anneal * self.presented / self.presentations, 0.0)
        winners: Tensor = self(spikes)
        presentations = spikes.shape[1]
        # A silent neuron's weights do not change, so that only the others' are read and written.
        fired, numbered = torch.unique(winners, return_inverse=True)
        if fired[0] == NOBODY:
            fired, numbered = fired[1:], numbered - 1
        rows = self.weight[fired]
        rule = Plasticity(p.learning_rate * heat, p.depression, p.tau_pre, p.tau_post)
        self.weight[fired] = normalise(rows + stdp(rows, spikes, numbered, rule), self.scale)
        homeostasis = Homeostasis(p.theta_plus * heat, p.target, p.theta_decay)
        counts = torch.bincount(winners.flatten() - NOBODY, minlength=p.neurons + 1)[1:]
        self.threshold.copy_(adapt(self.threshold, counts, presentations, homeostasis))
        self.presented += presentations
        return winners

    def scores(self, winners: Tensor) -> Tensor:
        """Class scores [T, B, C] from the spikes so far of `winners` [T, B]."""
        said: Tensor = self.readout[winners]
        said[winners == NOBODY] = 0
        return said.cumsum(dim=0)
