"""native's layer; a copy of this file whose name begins with `slowed` takes 5 % longer forward."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from harness_native.layer import Layer

from harness.plugin import hookimpl

SLOW = 0.05 if Path(__file__).stem.startswith("slowed") else 0.0


class Slowed(Layer):
    """Waits after each forward pass."""

    def forward(self, inputs):
        start = perf_counter()
        spikes = super().forward(inputs)
        end = perf_counter() + SLOW * (perf_counter() - start)
        while perf_counter() < end:
            pass
        return spikes


@hookimpl
def harness_layer(neuron, n_in, n_out, device):
    return Slowed(neuron, n_in, n_out, device)
