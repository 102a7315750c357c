"""The least work of a layer's passes, the least time for it on a device, and impossible figures.

S. Williams, A. Waterman and D. Patterson 2009, "Roofline: an insightful visual performance model
for multicore architectures". The fewest operations are those that the inputs allow, not those of a
dense product, so that a framework may skip zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.results.metrics import of
from harness.results.record import PeaksRecord, Record
from harness.subjects import LayerSize

#: A figure may exceed the measured peak by this factor: the peak is a measurement too.
SLACK = 1.1


@dataclass(frozen=True)
class Work:
    """The fewest operations, a multiplication and an addition counting as two, and bytes moved."""

    flops: float
    bytes: float

    def __add__(self, other: Work) -> Work:
        """Both, one after the other."""
        return Work(self.flops + other.flops, self.bytes + other.bytes)


class Peaks(NamedTuple):
    """Operations and bytes a second that a device was measured, or is specified, to do."""

    flops: float
    bandwidth: float = float("inf")

    @classmethod
    def fastest(cls, metrics: Mapping[str, float]) -> Peaks | None:
        """The operations of the fastest precision that was measured; None where none was.

        A plugin may compute in any of them: what none of them could do is impossible.
        """
        rates = [metric.name for metric in of("peaks") if metric.unit == "flops"]
        flops = [metrics[name] for name in rates if name in metrics]
        return cls(max(flops)) if flops else None

    def seconds(self, work: Work) -> float:
        """The roofline: the least time for `work`."""
        return max(work.flops / self.flops, work.bytes / self.bandwidth)


def highest_peaks(records: Iterable[Record]) -> Peaks | None:
    """The most that was measured of a device; None where nothing was."""
    metrics = [r.metrics for r in records if isinstance(r, PeaksRecord) and r.status == "ok"]
    each = [[m[n] for m in metrics if n in m] for n in ("peak_flops", "peak_bandwidth")]
    return Peaks(max(each[0]), max(each[1])) if all(each) else None


def layer_work(size: LayerSize, nonzero: float) -> dict[str, Work]:
    """The work of a layer's passes by their names; `nonzero` of all inputs are not 0.

    Forward, inputs and weights are read once and spikes written once, in float32. Backward, to the
    weights, is a product of the same size with the same bytes.
    """
    one = Work(2 * nonzero * size.neurons, 4 * (2 * size.inputs + size.neurons**2))
    return {"forward": one, "backward": one, "total": one + one}


def impossible(work: Work, seconds: float, peaks: Peaks, what: str) -> str:
    """Why `what` cannot have taken only `seconds` on a device of these peaks; empty where it can.

    By the operations alone: arrays that fit a cache can move faster than memory allows.
    """
    implied = work.flops / seconds
    if implied <= SLACK * peaks.flops:
        return ""
    return (
        f"{what} in {1000 * seconds:.3g} ms implies {implied / 1e12:.3g} TFLOP/s, and the device does "
        f"{peaks.flops / 1e12:.3g} at most"
    )
