"""One batch is evaluated twice, and in two halves: its answers may depend on neither.

A network that draws random numbers answers otherwise each time, by chance: it is told from one that
remembers earlier calls by the seed of its draws, and by models that are built anew and have seen the
same before, or something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.worker.validity import ROUNDED, ROUNDING

Evaluate = Callable[[Tensor], Tensor]
"""The scores [B, C] or [T, B, C] of spikes [T, B, ...]."""

#: Few enough samples to cost little; as many others are evaluated in between.
SAMPLES = 40
#: Scores that differ by less than this, as a fraction of the largest, differ by rounding.
_TOLERANCE = 1e-3
#: Where a spike more or less is rounding's, few samples have other scores; where something is wrong, most.
_MANY = 0.25
_SEED, _OTHER_SEED = 2_147_483_587, 2_147_483_579


def independent(
    evaluate: Evaluate, rebuilt: Callable[[], Evaluate], batch: Tensor, others: Tensor
) -> float:
    """The fraction of the answers to `batch` [T, B, ...] that change by chance, 0 unless it is random.

    InvalidOutput where they depend on what was evaluated before, or on the batch that a sample is in.
    `rebuilt` builds the trained network anew; `others` are spikes of other samples, as many.
    """
    first = _seeded(evaluate, batch)
    half = len(first) // 2
    parts = (batch[:, :half], batch[:, half:]) if half else (others,)
    halves = torch.cat([_seeded(evaluate, part) for part in parts])
    again = _seeded(evaluate, batch, _OTHER_SEED)
    random = _differ(first, again)
    # Where the host's seed does not bring back the first answers, it is memory, or draws of its own.
    if random and _differ(first, _seeded(evaluate, batch)):
        _refuse_memory(rebuilt, batch, others)
    chance = _share(first, again) if random else 0.0
    samples = len(first)
    spread = 4 * math.sqrt(2 * max(chance * (1 - chance), 1 / samples) / samples)
    wrong = _share(first, halves) > chance + spread if random else _differ(first, halves)
    if half and wrong:
        raise InvalidOutput(
            "harness_evaluate: the answer to a sample depends on the other samples of its batch: "
            f"{_told(first, halves)} when a batch of {len(halves)} is evaluated in two halves"
        )
    return chance


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
    if not _differ(same, once_more) and _differ(same, other):
        raise InvalidOutput(
            "harness_evaluate: the answer depends on what was evaluated before: "
            f"{_told(same, other)} after another batch; each call has to start from rest"
        )


def _seeded(evaluate: Evaluate, spikes: Tensor, seed: int = _SEED) -> Tensor:
    torch.manual_seed(seed)
    scores = evaluate(spikes).float()
    return scores[-1] if scores.ndim == 3 else scores


def _changed(ours: Tensor, theirs: Tensor) -> Tensor:
    """The samples whose scores [B, C] differ by more than rounding."""
    scale = ours.abs().max().clamp(min=1e-12)
    return (ours - theirs).abs().amax(-1) > _TOLERANCE * scale


def _share(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.argmax(-1) != theirs.argmax(-1)).float().mean())


def _differ(ours: Tensor, theirs: Tensor) -> bool:
    samples, classes = len(ours), _share(ours, theirs) * len(ours)
    few = classes <= max(ROUNDING * samples, ROUNDED)
    return not few or float(_changed(ours, theirs).float().mean()) > _MANY


def _told(ours: Tensor, theirs: Tensor) -> str:
    changed = int(_changed(ours, theirs).sum())
    return f"{changed} of {len(ours)} samples have other scores"
