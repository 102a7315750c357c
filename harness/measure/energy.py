"""Energy per sample: modelled from the operations, or measured by a counter of the machine.

The two are different quantities and have different names. The modelled one is the arithmetic of the
effective synaptic operations alone: memory traffic, neurons and control are not in it and can
outweigh it by orders of magnitude. The measured one is the energy that the processor (RAPL: packages
and memory) or the GPU (NVML) used above idle while the host called the network in a loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import torch

#: Picojoules of a multiply-accumulate and of an addition at 45 nm, by the type of the weights (Horowitz
#: 2014, "Computing's energy problem (and what we can do about it)", ISSCC).
PICOJOULES = {torch.float32: (4.6, 0.9), torch.float16: (1.5, 0.4), torch.int8: (0.23, 0.03)}

POWERCAP = Path("/sys/class/powercap")

#: Idle power is measured in this many intervals; their spread is its noise.
_IDLE_PIECES = 4
_POLL_SECONDS, _STANDSTILL_SECONDS = 0.001, 1.0


class NotMeasurable(Exception):
    """The energy cannot be measured; the message says why."""


class Rapl:
    """The processor's own counters, in microjoules: every package, and its memory where counted.

    Counters of cores are part of a package, and a platform's counter contains the packages: neither is
    added. Raises `NotMeasurable` where none can be read: often only root may read them.
    """

    def __init__(self, folder: Path = POWERCAP) -> None:
        self._zones: list[Path] = []
        self._ranges: list[int] = []
        names = []
        try:
            for zone in sorted(folder.glob("intel-rapl:*")):
                name = (zone / "name").read_text().strip()
                if name.startswith("package") or name == "dram":
                    self._ranges.append(int((zone / "max_energy_range_uj").read_text()))
                    self._zones.append(zone)
                    names.append(name)
        except (OSError, ValueError) as error:
            raise _unreadable("RAPL", error) from None
        if not names:
            raise _unreadable("RAPL", f"none in {folder}")
        self.name = f"RAPL {', '.join(names)}"
        self.read()

    def read(self) -> list[int]:
        """Microjoules of each zone; a counter starts again from 0 after its range."""
        try:
            return [int((zone / "energy_uj").read_text()) for zone in self._zones]
        except (OSError, ValueError) as error:
            raise _unreadable("RAPL", error) from None

    def joules(self, before: list[int], after: list[int]) -> float:
        """The energy between two readings that are less than one range apart."""
        return sum(
            (stop - start if stop >= start else stop - start + top) / 1e6
            for start, stop, top in zip(before, after, self._ranges, strict=True)
        )


class Nvml:
    """A GPU's own counter, in millijoules since the driver was loaded."""

    def __init__(self, uuid: str, nvml: Any) -> None:
        self._nvml = nvml
        try:
            nvml.nvmlInit()
            self._handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        except nvml.NVMLError as error:
            raise _unreadable("NVML", error) from None
        self.name = f"NVML {uuid}"
        self.read()

    def read(self) -> list[int]:
        """Millijoules."""
        try:
            return [int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))]
        except self._nvml.NVMLError as error:
            raise _unreadable("NVML", error) from None

    def joules(self, before: list[int], after: list[int]) -> float:
        """The energy between two readings."""
        return (after[0] - before[0]) / 1e3


#: A counter of energy that runs on its own; its values are in its own unit.
Counter = Rapl | Nvml
Update = tuple[float, list[int]]
"""The time of a counter's update, and its values then."""


def find_counter(device: torch.device) -> Counter:
    """The counter of `device`; `NotMeasurable` where none can be read."""
    if device.type != "cuda":
        return Rapl()
    import pynvml

    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    if uuid is None:
        raise _unreadable("NVML", "torch does not tell which GPU it is")
    return Nvml(f"GPU-{uuid}", pynvml)


def _unreadable(kind: str, why: object) -> NotMeasurable:
    return NotMeasurable(f"no {kind} counter can be read here: {why}")


@dataclass(frozen=True)
class Reading:
    """One measurement: `joules` per sample above idle, and the values that it was computed from."""

    joules: float
    counter: str
    samples: int
    loop_seconds: float
    loop_watts: float
    idle_watts: float
    idle_spread_watts: float


def measure(call: Callable[[], int], counter: Counter, seconds: float) -> Reading:
    """The energy of one sample in a loop of `call`, which processes a batch and returns its size.

    The machine is first left idle for `seconds`, then the loop runs for as long; idle power is
    subtracted. `NotMeasurable` where the rest is not above the variation of idle power itself.
    """
    updates = [_at_update(counter)]
    for _ in range(_IDLE_PIECES):
        sleep(seconds / _IDLE_PIECES)
        updates.append(_at_update(counter))
    pieces = [_watts(counter, before, after) for before, after in pairwise(updates)]
    idle, spread = _watts(counter, updates[0], updates[-1]), max(pieces) - min(pieces)

    samples = 0
    before = _at_update(counter)
    while perf_counter() - before[0] < seconds:
        samples += call()
    # Nothing runs until the next update; subtracting idle power removes that time again.
    after = _at_update(counter)
    lasted, loop = after[0] - before[0], _watts(counter, before, after)
    if loop - idle <= spread:
        raise NotMeasurable(
            f"{counter.name}: the loop's {loop:.3g} W are not above idle's {idle:.3g} W, "
            f"which vary by {spread:.2g} W"
        )
    return Reading(
        joules=(loop - idle) * lasted / samples,
        counter=counter.name,
        samples=samples,
        loop_seconds=lasted,
        loop_watts=loop,
        idle_watts=idle,
        idle_spread_watts=spread,
    )


def _watts(counter: Counter, before: Update, after: Update) -> float:
    return counter.joules(before[1], after[1]) / (after[0] - before[0])


def _at_update(counter: Counter) -> Update:
    """The time and the values at the counter's next update: some counters update ten times a second."""
    before, start = counter.read(), perf_counter()
    while perf_counter() - start < _STANDSTILL_SECONDS:
        now = counter.read()
        if now != before:
            return perf_counter(), now
        sleep(_POLL_SECONDS)
    raise NotMeasurable(f"{counter.name}: the counter stands still")
