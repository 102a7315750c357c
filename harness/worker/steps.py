"""Are scores over time those that a network has after each step? `decision_step` is counted from them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from harness.errors import InvalidOutput
from harness.worker import repeats


def one_for_each(scores: Tensor, spikes: Tensor) -> None:
    """Scores over time are as many as the steps of `spikes` [T, B, ...].

    A network that makes its own steps of one is free in their number.
    """
    if scores.ndim == 3 and len(scores) != len(spikes) > 1:
        raise InvalidOutput(
            f"harness_evaluate: scores over time are {len(scores)}, where the input has {len(spikes)} "
            "steps: wanted those after each step of the input, or [B, C] after the last"
        )


def causal(evaluate: Callable[[Tensor], Tensor], spikes: Tensor, before: Tensor) -> None:
    """The scores after the first half of the steps do not depend on the input of the other half.

    `before` [T, B, C] is what `evaluate` gave for `spikes` [T, B, ...]; scores that are not over time pass.
    Each sample of the batch gets the second half of its neighbour.
    """
    half = len(spikes) // 2
    if before.ndim == 2 or not half:
        return
    changed = spikes.clone()
    changed[half:] = spikes[half:].roll(1, 1)
    early, late_changed = (
        scores[:half].float().flatten(0, 1) for scores in (before, evaluate(changed))
    )
    if repeats.differ(early, late_changed):
        raise InvalidOutput(
            f"harness_evaluate: the scores after step {half} of {len(spikes)} depend on later inputs; "
            "scores[t] are those after the steps 0..t: return [B, C] where there are none before the last"
        )
