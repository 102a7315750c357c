"""Layers of SpikingJelly's LIF neurons whose synapses learn by STDP under a teacher or a reward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from spikingjelly.activation_based import functional, neuron
from torch import Tensor, device, nn

from harness.plugin import Params, Task, layer_sizes
from harness.plugin.toolkit.optimizer import Adam
from harness_spikingjelly import supervised_signals as signals
from harness_spikingjelly.supervised_rule import Window, mstdp, stdp


class Network(nn.Module):
    """Synapses without bias, LIF neurons of all layers, and fixed random feedback to hidden ones.

    Classes are read from the output neurons' spike counts, one neuron a class.
    """

    def __init__(self, task: Task, params: Params, device: device) -> None:
        super().__init__()
        self.params = params
        sizes = [task.inputs, *layer_sizes(params.hidden), task.classes]
        synapses = [nn.Linear(n_in, n_out, bias=False) for n_in, n_out in pairwise(sizes)]
        neurons = [neuron.LIFNode(params.tau, step_mode="m") for _ in sizes[1:]]
        # To a type checker a ModuleList holds modules of no kind in particular.
        self.synapses = cast("Sequence[nn.Linear]", nn.ModuleList(synapses))
        self.neurons = cast("Sequence[nn.Module]", nn.ModuleList(neurons))
        for synapse in synapses:
            synapse.requires_grad_(False)
            synapse.weight.mul_(params.gain).clamp_(-1, 1)
        for number, size in enumerate(sizes[1:-1], 1):
            self.register_buffer(f"feedback{number}", torch.randn(task.classes, size))
        self.to(device)
        self.window = Window(
            params.tau_pre, params.tau_post, params.depression, params.implementation
        )
        updates = params.epochs * math.ceil(task.train_size / params.batch_size)
        cosine_over = updates if params.schedule == "cosine" else 0
        self.optimizer = Adam(self.parameters(), params.lr, cosine_over=cosine_over)

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Input `spikes` [T, B, n_in] and those of every layer, [T, B, n]; begins and ends at rest."""
        activity = [spikes]
        functional.reset_net(self)
        for synapse, neurons in zip(self.synapses, self.neurons):
            activity.append(neurons(synapse(activity[-1])))
        functional.reset_net(self)
        return activity

    @torch.no_grad()
    def learn(self, spikes: Tensor, targets: Tensor) -> list[Tensor]:
        """One update from `spikes` [T, B, n_in] and `targets` [B]; returns the activity before it.

        Nothing here is differentiated: Adam is given the negated STDP updates for gradients.
        """
        p = self.params
        activity: list[Tensor] = self(spikes)
        *_, shown, output = activity
        self.optimizer.zero_grad()
        if p.signal == "teacher":
            error = signals.teacher(output, targets)
            stdp(self.synapses[-1], shown, error, self.window)
        else:
            chosen, surprise = signals.reward(output, targets, p.exploration)
            choice = chosen.expand_as(output)
            mstdp(self.synapses[-1], shown, choice, surprise, self.window)
            error = choice * surprise.unsqueeze(1)
        for number, (synapse, pre, own) in enumerate(
            zip(self.synapses[:-1], activity, activity[1:-1]), 1
        ):
            feedback = self.get_buffer(f"feedback{number}")
            post = signals.hidden(error, feedback, own, p.homeostasis, p.target_rate)
            stdp(synapse, pre, post, self.window)
        self.optimizer.step()
        for synapse in self.synapses:
            synapse.weight.clamp_(-1, 1)
        return activity
