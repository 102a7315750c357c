"""Did the timed network really do the work? A check that fails raises InvalidOutput with the reason.

After MLPerf Inference's audits (TEST01: the very predictions that were timed; TEST04: no cached
predictions), and one for spiking networks: which time steps count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor

from harness.errors import InvalidOutput

#: The fraction of samples, and how many of few, whose answer rounding may change: a timed call may sum
#: in another order, and a membrane potential at the threshold then spikes or not.
ROUNDING, ROUNDED = 0.002, 2
#: A repeated input counts as faster below this fraction of a new input's time.
CACHED = 0.9
#: Pairs are taken for this long while there is doubt, at least as many as `_REPEATS`.
_REPEAT_SECONDS, _REPEATS = 0.2, 30
_FALSE_ALARM = 1e-6


class TimedPredictions:
    """The predictions of timed calls, beside those of the untimed evaluation for the same samples."""

    def __init__(self, untimed: Tensor) -> None:
        """`untimed` are the classes [N] of the whole test split."""
        self.untimed = untimed
        self._timed, self._other = torch.zeros(2, len(untimed), dtype=torch.int64)

    def add(self, first: int, predicted: Tensor) -> None:
        """The timed predictions [B] for the samples from `first` on."""
        place = slice(first, first + len(predicted))
        self._timed[place] += 1
        self._other[place] += predicted.cpu() != self.untimed[place]

    def check(self, by_chance: Callable[[], Tensor]) -> None:
        """Timed and untimed answers agree; see `same_answers`. `by_chance` is of the whole test split."""
        seen = self._timed > 0
        if seen.any():
            # Each sample counts once, however often it was timed.
            share = self._other[seen].double() / self._timed[seen]
            same_answers(share, lambda: by_chance()[seen], "the network, when timed,")


def differing(ours: Tensor, theirs: Tensor) -> Tensor:
    """1 where two predictions [N] for the same samples differ, else 0."""
    return (ours != theirs).double()


def same_answers(
    other: Tensor, by_chance: Callable[[], Tensor], what: str, unit: str = "samples"
) -> float:
    """The fraction of answers that differ by chance; InvalidOutput where those of `what` differ by more.

    `other` [N] is, for each sample, how often its answer was not the one of the evaluation after training,
    from 0 to 1. Rounding may change a few; where more differ, `by_chance` tells of the same samples [N]
    which differ between two evaluations of one network, none unless its encoding or its neurons are random.
    """
    samples, changed = len(other), int((other > 0).sum())
    if changed <= max(ROUNDING * samples, ROUNDED):
        return 0.0
    chance, share = float(by_chance().mean()), float(other.mean())
    # Four standard errors of the difference of two shares of as many samples.
    spread = 4 * math.sqrt(2 * max(chance * (1 - chance), 1 / samples) / samples)
    if chance and share <= chance + spread:
        return chance
    random = f"; two evaluations of it differ on {chance:.2%}" if chance else ""
    raise InvalidOutput(
        f"{what} answers otherwise than it did after training, on {changed} of {samples} {unit}{random}"
    )


def last_step_that_counts(
    scores: Callable[[Tensor], Tensor], spikes: Tensor, delay: int
) -> int | None:
    """The last step of `spikes` [T, B, ...], from 1, whose input changes the scores.

    None where it is as late as it can be: `delay` is the number of steps between an input and its effect
    on the scores. A network may decide earlier, as by its first output spike, and the row says so. 0
    where all samples have the same scores: a network that never spikes says nothing, and cheats nobody.
    InvalidOutput where no step counts. Each sample of the batch gets the step of its neighbour.
    """
    last = len(spikes) - 1 - delay
    if last < 0 or spikes.shape[1] < 2:
        return None
    # Both are copies: the alignment of an array can change the last bit of a product.
    unchanged = scores(spikes.clone())
    for step in range(last, -1, -1):
        changed = spikes.clone()
        changed[step] = spikes[step].roll(1, 0)
        if torch.equal(
            changed[step], spikes[step]
        ):  # no spikes, as in a latency encoding: all spike
            changed[step] = 1
        if not torch.equal(unchanged, scores(changed)):
            return None if step == last else step + 1
    by_sample = unchanged if unchanged.ndim == 2 else unchanged.transpose(0, 1).flatten(1)
    if torch.equal(by_sample, by_sample[:1].expand_as(by_sample)):
        return 0
    raise InvalidOutput(
        f"harness_evaluate: the scores depend on no step of {len(spikes)}; a network whose output comes "
        "later than its input says so in Evaluation.delay"
    )


def nothing_is_remembered(timed: Callable[[int], float], samples: int) -> float | None:
    """The median time of a repeated input over that of a new one, by `timed(index)` in seconds.

    None where there are too few samples to tell. InvalidOutput where a repeated input is more than 10 %
    faster, far more often than noise would make it so. Each sample is called twice in a row, so that
    both do the same work.
    """

    def pair(index: int) -> tuple[float, float]:
        first = timed(index)
        return timed(index), first

    message = "a repeated input takes {:.0%} less time than a new one: it is remembered"
    return _not_faster(pair, samples, message)


def nothing_was_prepared(timed: Callable[[int, bool], float | None], samples: int) -> float | None:
    """The median time of a test sample over that of one like it that nobody has seen.

    `timed(index, altered)` is in seconds, None where a sample cannot be altered. As
    `nothing_is_remembered`, which a cache that was filled before the clock started would pass. The one
    of a pair that goes first changes from pair to pair: the second finds the caches warm.
    """

    def pair(index: int) -> tuple[float, float] | None:
        if index % 2:
            new = timed(index, True)
            seen = timed(index, False)
        else:
            seen = timed(index, False)
            new = timed(index, True)
        return None if new is None or seen is None else (seen, new)

    message = "a test sample takes {:.0%} less time than one never seen: its answer was prepared"
    return _not_faster(pair, samples, message)


def altered(inputs: Tensor) -> Tensor | None:
    """`inputs` [1, ...] with two neighbouring values that differ in each other's place; None without such.

    The work of a network is the same, to a spike or two, and no table has an answer for it.
    """
    changed = inputs.clone(memory_format=torch.contiguous_format)
    values = changed.view(-1)
    places = (values[1:] != values[:-1]).nonzero()
    if not len(places):
        return None
    place = int(places[len(places) // 2])
    values[place : place + 2] = values[place : place + 2].flip(0)
    return changed


def _not_faster(
    pair: Callable[[int], tuple[float, float] | None], samples: int, reason: str
) -> float | None:
    """The median ratio of the two times of `pair(index)`; None with fewer than `_REPEATS` pairs.

    InvalidOutput, in the words of `reason`, where the first is far more often the faster one than noise
    would make it so (a sign test). There is no doubt left where it was so in fewer than half of the
    pairs: no number of pairs like these would make a claim.
    """
    ratios: list[float] = []
    faster = 0
    start = perf_counter()
    for index in range(samples):
        if (times := pair(index)) is None:
            continue
        ratios.append(times[0] / times[1])
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
        raise InvalidOutput(reason.format(1 - ratio))
    return ratio
