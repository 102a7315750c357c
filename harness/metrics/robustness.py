"""Accuracy under noise: the area under the curve of accuracy over the strength of a change.

Every strength is one more evaluation of the whole test split. Nothing is trained on noise.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from harness.plugin import SPIKES, Change, Evidence, MetricSpec, Unsupported, hookimpl

if TYPE_CHECKING:
    from torch import Generator, Tensor


def gaussian(inputs: Tensor, strength: float, generator: Generator) -> Tensor:
    """Adds normal noise of standard deviation `strength`; the host clips to [0, 1]."""
    import torch

    noise = torch.randn(inputs.shape, generator=generator)
    return inputs + strength * noise.to(inputs.device)


def salt_and_pepper(inputs: Tensor, strength: float, generator: Generator) -> Tensor:
    """Sets a fraction `strength` of the values to 0 or 1, each as often as the other."""
    import torch

    draws = torch.rand(inputs.shape, generator=generator).to(inputs.device)
    return inputs.masked_fill(draws < strength, 0).masked_fill(draws < strength / 2, 1)


def lost(spikes: Tensor, strength: float, generator: Generator) -> Tensor:
    """Removes each spike with probability `strength`."""
    import torch

    _need_spikes(spikes)
    kept = torch.rand(spikes.shape, generator=generator) >= strength
    return spikes * kept.to(spikes.device)


def jittered(spikes: Tensor, strength: float, generator: Generator) -> Tensor:
    """Moves each spike by a normal number of steps of standard deviation `strength`, rounded.

    A spike stays in the sample: what would leave at an end is put there. Those that meet are one.
    """
    import torch

    _need_spikes(spikes)
    moves = (strength * torch.randn(spikes.shape, generator=generator)).round().long()
    place, *rest = spikes.nonzero(as_tuple=True)
    moved = (place + moves.to(spikes.device)[(place, *rest)]).clamp(0, len(spikes) - 1)
    changed = torch.zeros_like(spikes, memory_format=torch.contiguous_format)
    changed[(moved, *rest)] = spikes[(place, *rest)]
    return changed


def _need_spikes(spikes: Tensor) -> None:
    if len(spikes) < 2 or not bool(((spikes == 0) | (spikes == 1)).all()):
        raise Unsupported("its encoding gives currents, not spikes over time")


def area(evidence: Evidence, change: str) -> float:
    """The area under accuracy over strength, from 0 to the greatest, divided by its width."""
    points = list(evidence.curve(change).items())
    whole = sum((b - a) * (low + high) / 2 for (a, low), (b, high) in pairwise(points))
    return whole / points[-1][0]


#: The changes, and how they are told in the meaning of their metric.
CHANGES = {
    Change("gaussian", "Gaussian noise, s.d.", (0.1, 0.2, 0.3, 0.4, 0.5), gaussian): """\
normal noise added to the inputs, which are clipped to [0, 1] again, by its standard deviation""",
    Change(
        "salt_and_pepper", "salt and pepper, share", (0.05, 0.1, 0.2, 0.3), salt_and_pepper
    ): """\
a share of the inputs set to 0 or 1""",
    Change("lost_spikes", "spikes lost, share", (0.1, 0.2, 0.4, 0.6, 0.8), lost, SPIKES): """\
a share of the encoded input's spikes removed; absent where the encoding gives no spikes""",
    Change("jittered_spikes", "jitter, steps, s.d.", (1.0, 2.0, 4.0), jittered, SPIKES): """\
the encoded input's spikes moved in time, by the standard deviation of the steps; absent where the \
encoding gives no spikes""",
}


@hookimpl
def harness_metrics() -> list[MetricSpec]:
    """One metric for each change."""
    return [
        MetricSpec(
            name=f"robustness_{change.name}",
            title=f"Robustness, {change.name.replace('_', ' ')}",
            unit="fraction",
            better="more",
            place="table",
            compute=partial(area, change=change.name),
            changes=(change,),
            meaning=f"""\
mean test accuracy under change, by the trapezoid rule from 0 to the greatest of the strengths \
({", ".join(f"{strength:g}" for strength in change.strengths)}): {meaning}""",
        )
        for change, meaning in CHANGES.items()
    ]
