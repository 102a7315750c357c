"""One neuron that learns exact spike times, as in experiment 002, a notebook after Zenke and Ganguli 2018.

The neuron is simulated in steps of `dt` ms, of which a whole number make up a step of the task. With
weights w, input spikes x, synaptic current I, membrane potential U in mV above rest, and spikes S:

    I[k] = exp(-dt / tau_syn) I[k-1] + w x[k]
    U[k] = exp(-dt / tau_mem) U[k-1] + (1 - exp(-dt / tau_mem)) I[k-1]
    S[k] = 1 where U[k] > theta; U is then 0 for tau_ref ms

The update is SuperSpike's (`harness_native.superspike_rule`), with kernels that are integrated by Euler's
method. With F the double-exponential filter

    z[k] = (1 - dt / tau_rise) z[k-1] + dt v[k]
    (F v)[k] = (1 - dt / tau_decay) (F v)[k-1] + (dt / tau_decay) z[k-1]

the direction of w_j is g_j = sum over k of (F (target - S))[k] (F (sigma'(U[k-1] - theta) F x_j))[k].
F is linear, so this is x_j times F^T (sigma' F^T F (target - S)), and all filters are of one train.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from harness.plugin import SPIKE_TRAIN, Evaluation, Layer, Params, Scalars, Task, Unsupported
from harness.plugin.toolkit.optimizer import cosine_updates
from harness_native.superspike_rule import RMaxProp


class SingleNeuron(nn.Module):
    """The neuron and its `weights` [n_in], in mV.

    An input spike falls into a random step of dt in its step of the task: `place` [T, n_in].
    """

    place: Tensor

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        if task.kind != SPIKE_TRAIN or task.classes != 1 or task.steps is None:
            raise Unsupported(f"one neuron fits one spike train, which {task.name} is not")
        self.params = params
        self.substeps = round(task.step_ms / params.dt)
        leak = 1 - math.exp(-params.dt / params.tau_mem)
        deviation = params.gain * leak / math.sqrt(task.inputs)
        self.weights = nn.Parameter((deviation * torch.randn(task.inputs)).to(device))
        place = torch.randint(self.substeps, (task.steps, task.inputs), dtype=torch.uint8)
        self.register_buffer("place", place.to(device))
        self.optimizer = RMaxProp(
            [self.weights], params.rate, params.gamma, cosine_over=cosine_updates(task, params)
        )

    def fine(self, spikes: Tensor) -> Tensor:
        """Input `spikes` [T, B, n_in] in steps of dt: [T * substeps, B, n_in]."""
        steps, samples, inputs = spikes.shape
        placed = spikes.new_zeros(steps, self.substeps, samples, inputs)
        where = self.place.long().view(steps, 1, 1, inputs).expand(-1, -1, samples, -1)
        return placed.scatter_(1, where, spikes.unsqueeze(1)).flatten(0, 1)

    def run(self, drive: Iterable[float]) -> tuple[list[float], list[float]]:
        """Spikes S[k] and potentials U[k-1] of one sample, from `drive` w x[k]."""
        p = self.params
        synapse, membrane = math.exp(-p.dt / p.tau_syn), math.exp(-p.dt / p.tau_mem)
        refractory = round(p.tau_ref / p.dt)
        current = potential = 0.0
        silent = 0
        spikes, before = [], []
        for arrived in drive:
            before.append(potential)
            potential = membrane * potential + (1 - membrane) * current
            current = synapse * current + arrived
            if silent:
                silent -= 1
                potential = 0.0
            fired = potential > p.theta
            if fired:
                silent, potential = refractory, 0.0
            spikes.append(float(fired))
        return spikes, before

    def learn(self, spikes: Tensor, targets: Tensor) -> Scalars:
        """One update towards `targets` [T, B, 1], each at the first dt of its step.

        `loss` is the squared distance of the filtered trains as a fraction of that of a silent neuron.
        """
        p = self.params
        fine = self.fine(spikes)
        direction = torch.zeros_like(self.weights)
        distance = silent = 0.0
        for sample, drive in enumerate((fine @ self.weights).T.tolist()):
            fired, before = self.run(drive)
            wanted = [0.0] * len(fired)
            wanted[:: self.substeps] = targets[:, sample, 0].tolist()
            error = self._filtered([w - s for w, s in zip(wanted, fired)], p.tau_rise, p.tau_decay)
            distance += sum(e * e for e in error)
            silent += sum(e * e for e in self._filtered(wanted, p.tau_rise, p.tau_decay))
            backwards = self._filtered(error[::-1], p.tau_rise, p.tau_decay)[::-1]
            hebbian = [e / (1 + p.slope * abs(u - p.theta)) ** 2 for e, u in zip(backwards, before)]
            signal = self._filtered(hebbian[::-1], p.tau_syn, p.tau_mem)[::-1]
            direction += fine[:, sample].T @ fine.new_tensor(signal)
        self.optimizer.step([direction])
        return {"loss": distance / silent}

    def _filtered(self, train: Sequence[float], rise: float, decay: float) -> list[float]:
        dt = self.params.dt
        single = double = 0.0
        filtered = []
        for value in train:
            double += (single - double) * dt / decay
            single += (value - single / rise) * dt
            filtered.append(double)
        return filtered

    def evaluate(self, spikes: Tensor, record: bool) -> Evaluation:
        """The output spikes [T, B, 1]: 1 in a step of the task with a spike in any of its dt."""
        drives = (self.fine(spikes) @ self.weights).T.tolist()
        trains = spikes.new_tensor([self.run(drive)[0] for drive in drives])
        output = trains.view(len(drives), -1, self.substeps).amax(2).T.unsqueeze(2)
        layers = [Layer("output", spikes, self.weights.unsqueeze(0), output)] if record else []
        return Evaluation(output, layers)
