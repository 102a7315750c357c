"""How much of the machine other programs used while a measurement group was at work."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import perf_counter

import psutil

#: The system's own count of what all processes used; where it is missing, nothing is claimed.
STAT = Path("/proc/stat")

#: The system counts in steps of 10 ms: over less time than this, they are too coarse.
_LEAST_SECONDS = 1.0
#: Counts of the system and of processes differ by rounding; beyond this, they do not belong together.
_ROUNDING = 0.1


class Others:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._start = _reading() if STAT.exists() else None

    def used(self) -> dict[str, float]:
        """The `cores` that other programs used on average, and `steal`, those that the host withheld.

        `of` is how many cores the machine has. To be asked while the command's own processes stand.
        Empty where it is not known.
        """
        if self._start is None:
            return {}
        then, now = self._start, _reading()
        wall, machine, steal, own = (b - a for a, b in zip(then, now, strict=True))
        if wall < _LEAST_SECONDS or machine <= 0 or own - machine > _ROUNDING * wall:
            return {}
        cores = max(machine - own, 0.0) / wall
        count = float(psutil.cpu_count() or 1)
        return {"cores": round(cores, 3), "steal": round(max(steal, 0.0) / wall, 3), "of": count}


def _reading() -> tuple[float, float, float, float]:
    """Now, and the CPU seconds of all processes, those stolen, and those of this command's processes."""
    times = psutil.cpu_times()
    names = ("user", "nice", "system", "irq", "softirq")
    machine = sum(getattr(times, name, 0.0) for name in names)
    return perf_counter(), machine, getattr(times, "steal", 0.0), _own()


def _own() -> float:
    """Of this process and all below it, those that have ended included."""
    here, total = psutil.Process(), 0.0
    for process in (here, *here.children(recursive=True)):
        with suppress(psutil.Error):
            used = process.cpu_times()
            total += used.user + used.system
            total += getattr(used, "children_user", 0.0) + getattr(used, "children_system", 0.0)
    return total
