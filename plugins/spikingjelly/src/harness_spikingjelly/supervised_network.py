"""Layers of SpikingJelly's LIF neurons whose synapses learn by supervised STDP."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from spikingjelly.activation_based import functional, neuron
from torch import Tensor, nn

from harness.plugin import Params, Task
from harness.plugin.toolkit.optimizer import scheduled_adam
from harness.plugin.toolkit.weights import network_sizes
from harness_spikingjelly import supervised_signals as signals
from harness_spikingjelly.supervised_rule import Window, mstdp, stdp


class Network(nn.Module):
    """Synapses without biases, LIF neurons in all layers, and fixed random feedback to hidden layers.

    The scores are the spike counts of the output neurons, one for each class.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        self.params = params
        sizes = network_sizes(task, params)
        synapses = [nn.Linear(n_in, n_out, bias=False) for n_in, n_out in pairwise(sizes)]
        reset = None if params.reset == "soft" else 0.0
        neurons = [neuron.LIFNode(params.tau, v_reset=reset, step_mode="m") for _ in sizes[1:]]
        # For a type checker, a ModuleList holds plain modules.
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
        self.optimizer = scheduled_adam(self.parameters(), task, params)

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """Input `spikes` [T, B, n_in] and the spikes [T, B, n] of every layer; begins and ends at rest."""
        activity = [spikes]
        functional.reset_net(self)
        for synapse, neurons in zip(self.synapses, self.neurons):
            activity.append(neurons(synapse(activity[-1])))
        functional.reset_net(self)
        return activity

    @torch.no_grad()
    def learn(self, spikes: Tensor, targets: Tensor) -> list[Tensor]:
        """One update from `spikes` [T, B, n_in] and `targets` [B]; returns the activity before it.

        Nothing is differentiated: Adam receives the negated STDP updates as gradients. With `drop_last`
        a batch that is not full changes nothing.
        """
        p = self.params
        activity: list[Tensor] = self(spikes)
        if p.drop_last and len(targets) < p.batch_size:
            return activity
        *_, received, output = activity
        self.optimizer.zero_grad()
        if p.signal != "reward":
            error = (
                signals.loss(output, targets)
                if p.signal == "loss"
                else signals.teacher(output, targets)
            )
            stdp(self.synapses[-1], received, error, self.window)
        else:
            chosen, surprise = signals.reward(output, targets, p.exploration)
            choice = chosen.expand_as(output)
            mstdp(self.synapses[-1], received, choice, surprise, self.window)
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
