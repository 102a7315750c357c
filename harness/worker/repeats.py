"""The first test samples are evaluated again: their answers may depend on nothing but themselves.

Once together and then half of them, at the very end: other neighbours in the batch, other calls before,
another state of the random generators. A network that answers as it did depends on none of these.

Where answers have changed, it is found out by what. A network that draws random numbers is told from one
that remembers earlier calls by the seed of its draws, and by models that are built anew and have seen the
same before, or something else. One whose answers change although the same seed is set before each call
draws from a generator that the host does not reach, or counts its calls: nothing that it answers tells
which, and the row says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.worker.validity import ROUNDED, ROUNDING

Evaluate = Callable[[Tensor, int], Tensor]
"""The scores [B, C] or [T, B, C] of spikes [T, B, ...]; all random numbers follow from the seed."""

#: Few enough samples to cost little; as many others are evaluated in between.
SAMPLES = 40
#: Scores that differ by less than this, as a fraction of the largest, differ by rounding.
_TOLERANCE = 1e-3
#: Where a spike more or less is rounding's, few samples have other scores; where something is wrong, most.
_MANY = 0.25
_SEED, _OTHER_SEED = 2_147_483_587, 2_147_483_579


class Chance(NamedTuple):
    """The fractions of answers that change: with another seed, and with the same one before each call."""

    random: float = 0.0
    unseeded: float = 0.0


def unchanged(evaluate: Evaluate, batch: Tensor, before: Tensor) -> bool:
    """Whether the answers to `batch` [T, B, ...] have the scores [B, C] that they had `before`.

    Then half of them once more: a count of calls that goes round meets one of the two at another place.
    """
    half = len(before) // 2
    if differ(before, _seeded(evaluate, batch)):
        return False
    return not half or not differ(before[:half], _seeded(evaluate, batch[:, :half]))


def independent(
    evaluate: Evaluate,
    rebuilt: Callable[[], Evaluate],
    batch: Tensor,
    others: Callable[[], Tensor],
) -> Chance:
    """How many of the answers to `batch` [T, B, ...] change by chance, none unless it is random.

    InvalidOutput where they depend on what was evaluated before, or on the batch that a sample is in.
    `rebuilt` builds the trained network anew; `others` gives spikes of other samples, as many.
    """
    first = _seeded(evaluate, batch)
    samples, half = len(first), len(first) // 2
    parts = (batch[:, :half], batch[:, half:]) if half else (others(),)
    halves = torch.cat([_seeded(evaluate, part) for part in parts])
    again = _seeded(evaluate, batch, _OTHER_SEED)
    random = differ(first, again)
    # Where the host's seed does not bring back the first answers, it is memory, draws of its own or a
    # count of calls. Two calls in a row: one alone might meet a count that goes round.
    repeats = [_seeded(evaluate, batch) for _ in range(2)] if random else []
    unseeded = 0.0
    if any(differ(first, each) for each in repeats):
        _refuse_memory(rebuilt, batch, others())
        unseeded = max(int(_changed(first, each).sum()) for each in repeats) / samples
    chance = _share(first, again) if random else 0.0
    spread = 4 * math.sqrt(2 * max(chance * (1 - chance), 1 / samples) / samples)
    wrong = _share(first, halves) > chance + spread if random else differ(first, halves)
    if half and wrong:
        raise InvalidOutput(
            "harness_evaluate: the answer to a sample depends on the other samples of its batch: "
            f"{samples_text(first, halves)} have other scores when a batch of {len(halves)} is evaluated "
            "in two halves"
        )
    return Chance(chance, unseeded)


def alike_recorded(evaluate: Evaluate, recorded: Evaluate, batch: Tensor) -> None:
    """A network that is not random gives the same scores with `record` as without."""
    without, with_record = _seeded(evaluate, batch), _seeded(recorded, batch)
    if differ(without, with_record):
        raise InvalidOutput(
            "harness_evaluate: the scores with `record` are other than without, of "
            f"{samples_text(without, with_record)}: what is recorded has to be what is computed"
        )


def encoded_alone(encode: Callable[[Tensor, int], Tensor], inputs: Tensor) -> None:
    """The encoding of a sample does not depend on its batch; not for random encodings.

    `encode` takes inputs [B, ...] and the seed of its draws. InvalidOutput where it does.
    """
    whole, half = encode(inputs, 0), len(inputs) // 2
    if not half or not torch.equal(whole, encode(inputs, 1)):
        return
    parts = [encode(part, 0) for part in (inputs[:half], inputs[half:])]
    alike = all(part.shape[0] == whole.shape[0] for part in parts)
    if not alike or not torch.allclose(torch.cat(parts, 1), whole, 1e-4, 1e-6):
        raise InvalidOutput(
            "harness_encode: the encoding of a sample depends on the other samples of its batch"
        )


def _refuse_memory(rebuilt: Callable[[], Evaluate], batch: Tensor, others: Tensor) -> None:
    def after(history: Tensor) -> Tensor:
        evaluate = rebuilt()
        _seeded(evaluate, history)
        return _seeded(evaluate, batch)

    same, once_more, other = after(others), after(others), after(batch)
    if not differ(same, once_more) and differ(same, other):
        raise InvalidOutput(
            "harness_evaluate: the answer depends on what was evaluated before: "
            f"{samples_text(same, other)} have other scores after another batch; each call has to "
            "start from rest"
        )


def _seeded(evaluate: Evaluate, spikes: Tensor, seed: int = _SEED) -> Tensor:
    scores = evaluate(spikes, seed).float()
    return scores[-1] if scores.ndim == 3 else scores


def _changed(ours: Tensor, theirs: Tensor) -> Tensor:
    """The samples whose scores [B, C] differ by more than rounding."""
    scale = ours.abs().max().clamp(min=1e-12)
    return (ours - theirs).abs().amax(-1) > _TOLERANCE * scale


def _share(ours: Tensor, theirs: Tensor) -> float:
    return int((ours.argmax(-1) != theirs.argmax(-1)).sum()) / len(ours)


def differ(ours: Tensor, theirs: Tensor) -> bool:
    """Whether two answers to the same samples, scores [B, C], differ by more than rounding."""
    samples, classes = len(ours), _share(ours, theirs) * len(ours)
    few = classes <= max(ROUNDING * samples, ROUNDED)
    return not few or float(_changed(ours, theirs).float().mean()) > _MANY


def samples_text(ours: Tensor, theirs: Tensor) -> str:
    """`3 of 40 samples`: those whose scores [B, C] differ."""
    return f"{int(_changed(ours, theirs).sum())} of {len(ours)} samples"
