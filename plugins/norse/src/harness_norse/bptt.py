"""`norse-bptt`: the network of `harness.plugin.toolkit.bptt` on Norse's `LIFBoxCell`."""

from __future__ import annotations

import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters
from norse.torch.functional.reset import reset_subtract
from norse.torch.module.lif_box import LIFBoxCell
from torch import Tensor

from harness.plugin import Params, Presets, Task, Unsupported, hookimpl
from harness.plugin.toolkit import bptt
from harness.plugin.toolkit.bptt import (
    harness_encode,
    harness_evaluate,
    harness_finish_training,
    harness_neuron,
    harness_train_step,
)
from harness.plugin.toolkit.training_state import harness_training_state

__all__ = [
    "harness_build_model",
    "harness_encode",
    "harness_evaluate",
    "harness_finish_training",
    "harness_neuron",
    "harness_presets",
    "harness_train_step",
    "harness_training_state",
]


@hookimpl
def harness_presets() -> Presets:
    """Those of `harness.plugin.toolkit.bptt`; of its surrogate gradients Norse has the fast sigmoid."""
    return bptt.presets(("fast_sigmoid",))


class Network(bptt.SpikingNetwork):
    """The network, on one `LIFBoxCell` for all layers.

    Norse integrates v + q (I - v), which is beta v + X for q = 1 - beta and I = X / q. It spikes where
    v > v_th; with the next float32 below the threshold as v_th this is v >= the threshold. Its surrogate
    gradient 1 / (1 + |v - v_th|)^2 has no slope, so the membrane potential is in units in which the
    slope is 1: currents and threshold are multiplied by k = slope / theta, and the gradient by 1 / k.
    """

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(task, params, device)
        # From beta rounded to float32: the decay is then exactly that of the other frameworks.
        self.rate = (1 - torch.tensor(params.beta)).to(device)
        self.scale = params.slope / params.theta
        theta = torch.tensor(self.scale * params.theta, device=device)

        def after(spikes: Tensor, v: Tensor, value: Tensor, _: Tensor) -> Tensor:
            gate = spikes.detach() if params.detach else self._scaled(spikes)
            after_reset: Tensor = reset_subtract(gate, v, value, theta)
            return after_reset

        self.cell = LIFBoxCell(
            LIFBoxParameters(
                tau_mem_inv=self.rate,
                v_leak=torch.zeros((), device=device),
                v_th=torch.nextafter(theta, -theta),
                v_reset=torch.zeros((), device=device),
                method="super",
                reset_method=after,
            ),
            dt=1.0,
        )

    def neurons(self, currents: Tensor) -> Tensor:
        """Spikes [T, B, n] for `currents` [T, B, n]."""
        state = LIFBoxFeedForwardState(v=torch.zeros_like(currents[0]))
        spikes = []
        for current in (currents * (self.scale / self.rate)).unbind(0):
            spike, state = self.cell(current, state)
            spikes.append(self._scaled(spike))
        return torch.stack(spikes)

    def step(
        self, currents: Tensor, state: LIFBoxFeedForwardState | None
    ) -> tuple[Tensor, LIFBoxFeedForwardState]:
        """Spikes [B, n] for `currents` [B, n], and the state for the next step."""
        if state is None:
            state = LIFBoxFeedForwardState(v=torch.zeros_like(currents))
        spikes, state = self.cell(currents * (self.scale / self.rate), state)
        return self._scaled(spikes), state

    def _scaled(self, spikes: Tensor) -> Tensor:
        return spikes if self.scale == 1 else bptt.scaled_gradient(spikes, 1 / self.scale)


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Network:
    """The network with its initial weights, of neurons with a leak."""
    if params.beta == 1:
        raise Unsupported(
            "Norse's LIFBoxCell multiplies its input by 1 - beta, which is 0 for beta = 1"
        )
    return Network(task, params, device)
