"""A known piece of work, timed like a network: what `harness doctor` judges a machine by."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from harness.measure.clock import exempt_from_collection, timed
from harness.protocol.events import Opened
from harness.worker.devices import card
from harness.worker.sessions.base import Session

_BATCH, _INPUTS, _NEURONS, _STEPS = 32, 784, 256, 10

#: The one kind of round, and its one series.
PROBE = "probe"


class ProbeSession(Session):
    """Ten steps of a leaky layer behind one product, the size of a small spiking network."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self._device = device
        draws = torch.Generator().manual_seed(0)
        self._inputs = torch.rand(_BATCH, _INPUTS, generator=draws).to(device)
        self._weight = torch.rand(_INPUTS, _NEURONS, generator=draws).to(device) / _INPUTS
        self._first = self.call(PROBE)[PROBE]
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the probe stands."""
        return Opened(
            first_call_ms=1000 * self._first, batches={PROBE: _BATCH}, facts=card(self._device)
        )

    def batch(self, what: str) -> int:
        """The samples of every call."""
        return _BATCH

    def renew(self) -> None:
        """Copies the inputs and the weight to other places in memory."""
        self._inputs, self._weight = self._inputs.clone(), self._weight.clone()

    def call(self, what: str) -> Mapping[str, float]:
        """The seconds of one pass."""
        return {PROBE: timed(self._work, self._device)[0]}

    def _work(self) -> torch.Tensor:
        current = self._inputs @ self._weight
        membrane = torch.zeros_like(current)
        for _ in range(_STEPS):
            membrane = 0.9 * membrane + current
            membrane = membrane - (membrane >= 1).float()
        return membrane
