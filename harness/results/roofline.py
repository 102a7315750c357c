"""The least work of a layer's passes, the least time for it on a device, and impossible figures.

S. Williams, A. Waterman and D. Patterson 2009, "Roofline: an insightful visual performance model
for multicore architectures". The fewest operations are those that the inputs allow, not those of a
dense product, so that a framework may skip zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Peaks:
    """Operations and bytes a second that a device was measured, or is specified, to do."""

    flops: float
    bandwidth: float = float("inf")

    def seconds(self, work: Work) -> float:
        """The roofline: the least time for `work`."""
        return max(work.flops / self.flops, work.bytes / self.bandwidth)


def forward_work(neurons: int, steps: int, batch: int, nonzero: float) -> Work:
    """The work of a forward pass: `neurons` inputs and outputs; `nonzero` of all inputs are not 0.

    Inputs and weights are read once, spikes written once, in float32.
    """
    return Work(2 * nonzero * neurons, 4 * (2 * steps * batch * neurons + neurons**2))


def backward_work(neurons: int, steps: int, batch: int, nonzero: float) -> Work:
    """The work of the backward pass to the weights: a product of the same size, the same bytes."""
    return forward_work(neurons, steps, batch, nonzero)


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
