"""Did the timed network really do the work? A check that fails raises InvalidOutput with the reason.

After MLPerf Inference's audits (TEST01: the accuracy of the very predictions that were timed; TEST04: no
cached predictions), and one for spiking networks: every time step must count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from harness.errors import InvalidOutput

#: Fraction of predictions that rounding may change: timed calls may sum in another order.
ROUNDING = 0.001
#: A repeated input counts as faster below this fraction of a new input's time.
CACHED = 0.9
#: Pairs are taken for this long while there is doubt, at least as many as `_REPEATS`.
_REPEAT_SECONDS, _REPEATS = 0.2, 30
_FALSE_ALARM = 1e-6


@dataclass
class TimedPredictions:
    """The predictions of timed calls, beside those of the untimed evaluation for the same samples."""

    untimed: Tensor  # [N] right or wrong, of the whole test split
    samples: int = 0
    right: int = 0
    right_untimed: int = 0

    def add(self, first: int, predicted: Tensor, targets: Tensor) -> None:
        """The timed predictions [B] for the samples from `first` on."""
        self.samples += len(predicted)
        self.right += int((predicted == targets).sum())
        self.right_untimed += int(self.untimed[first : first + len(predicted)].sum())

    def check(self, *, random: bool) -> None:
        """Timed and untimed accuracy agree, except for rounding or the draws of a random encoding."""
        if self.samples:
            same_accuracy(
                self.right / self.samples,
                self.right_untimed / self.samples,
                self.samples,
                random=random,
                what="the timed calls",
            )


def same_accuracy(ours: float, theirs: float, samples: int, *, random: bool, what: str) -> None:
    """InvalidOutput where `what` has accuracy `ours` on `samples`, too far from `theirs`."""
    allowed = max(ROUNDING, 1.5 / samples)
    if random:  # the encoding draws other spikes: four standard errors of the difference
        allowed += 4 * math.sqrt(2 * max(theirs * (1 - theirs), 1 / samples) / samples)
    if abs(ours - theirs) > allowed:
        raise InvalidOutput(
            f"{what} predict {ours:.2%} of {samples} samples correctly, but {theirs:.2%} when trained"
        )


def every_step_counts(scores: Callable[[Tensor], Tensor], spikes: Tensor, delay: int) -> None:
    """The scores for `spikes` [T, B, ...] must change with the last input that can reach them.

    `delay` is the number of steps between an input and its effect on the scores. Each sample of the
    batch gets the last step of its neighbour.
    """
    last = len(spikes) - 1 - delay
    if last < 0 or spikes.shape[1] < 2:
        return
    # Both are copies: the alignment of an array can change the last bit of a product.
    unchanged, changed = spikes.clone(), spikes.clone()
    changed[last] = spikes[last].roll(1, 0)
    if torch.equal(changed[last], spikes[last]):  # no spikes, as in a latency encoding: all spike
        changed[last] = 1
    if torch.equal(scores(unchanged), scores(changed)):
        raise InvalidOutput(
            f"harness_evaluate: the scores do not depend on step {last + 1} of {len(spikes)}; a "
            "network whose output comes later than its input says so in Evaluation.delay"
        )


def nothing_is_remembered(timed: Callable[[int], float], samples: int) -> float | None:
    """The median time of a repeated input over that of a new one, by `timed(index)` in seconds.

    None where there are too few samples to tell.

    InvalidOutput where a repeated input is more than 10 % faster, far more often than noise would
    make it so (a sign test). Each sample is called twice in a row, so that both do the same work. There
    is no doubt left where fewer than half of the repeated ones were faster: no number of pairs like
    these would make a claim.
    """
    ratios: list[float] = []
    faster = 0
    start = perf_counter()
    for index in range(samples):
        first = timed(index)
        ratios.append(timed(index) / first)
        faster += ratios[-1] < CACHED
        doubt = 2 * faster >= len(ratios) and perf_counter() - start < _REPEAT_SECONDS
        if len(ratios) >= _REPEATS and not doubt:
            break
    if len(ratios) < _REPEATS:
        return None
    ratio = sorted(ratios)[len(ratios) // 2]
    calls = len(ratios)
    chance = sum(math.comb(calls, k) for k in range(faster, calls + 1)) / 2**calls
    if chance < _FALSE_ALARM:
        raise InvalidOutput(
            f"a repeated input takes {1 - ratio:.0%} less time than a new one: it is remembered"
        )
    return ratio
