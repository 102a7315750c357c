"""A known piece of work, timed like a network: what `harness doctor` judges a machine by."""

from __future__ import annotations

import torch

from harness.measure.clock import exempt_from_collection, no_collection, timed
from harness.protocol import Opened, OpenProbe, Samples, TakeRound

_BATCH, _INPUTS, _NEURONS, _STEPS = 32, 784, 256, 10


class Probe:
    """Ten steps of a leaky layer behind one product, the size of a small spiking network."""

    def __init__(self, request: OpenProbe) -> None:
        torch.set_num_threads(request.threads)
        self._device = torch.device(request.device)
        draws = torch.Generator().manual_seed(0)
        self._inputs = torch.rand(_BATCH, _INPUTS, generator=draws).to(self._device)
        self._weight = torch.rand(_INPUTS, _NEURONS, generator=draws).to(self._device) / _INPUTS
        self._first = self._once()
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the probe stands."""
        return Opened(first_call_ms=1000 * self._first, train_batch=_BATCH, inference_batch=_BATCH)

    def take(self, request: TakeRound) -> Samples:
        """One round: calls for `request.seconds`, at least `request.calls`, after two to warm up."""
        self._once()
        self._once()
        seconds: list[float] = []
        with no_collection():
            while len(seconds) < request.calls or sum(seconds) < request.seconds:
                seconds.append(self._once())
        return Samples(what=request.what, batch=_BATCH, seconds=seconds)

    def _once(self) -> float:
        return timed(self._work, self._device)[0]

    def _work(self) -> torch.Tensor:
        current = self._inputs @ self._weight
        membrane = torch.zeros_like(current)
        for _ in range(_STEPS):
            membrane = 0.9 * membrane + current
            membrane = membrane - (membrane >= 1).float()
        return membrane
