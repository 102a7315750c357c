"""The state's round trip, tried before the first epoch: what training changes must come back.

A model is built, trained for one step, and its state is loaded into another one. Where the two answer
differently, the measured network would be another than the trained one: told now, not after hours. A short
training goes without: its end is near, and the trained network's own scores are compared then
(`harness.worker.reload`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from harness.errors import InvalidOutput
from harness.plugin import BATCH_SIZE, EPOCHS, Params
from harness.protocol.events import Progress
from harness.worker import checks, state
from harness.worker.data import Split
from harness.worker.hooks import Hooks
from harness.worker.seeds import other_seed
from harness.worker.validity import ROUNDED, ROUNDING

#: How many samples are evaluated.
SAMPLES = 32
#: A training of fewer updates is short: an update, two models and two evaluations are a good part of it.
SHORT = 500
_SEED = 2_147_483_563
#: Scores that differ by less than this, as a fraction of the largest, differ by rounding.
_TOLERANCE = 1e-4


def is_short(params: Params, samples: int) -> bool:
    """Whether a training on so many samples has fewer updates than `SHORT`."""
    updates: int = getattr(params, EPOCHS) * -(-samples // getattr(params, BATCH_SIZE))
    return updates < SHORT


def try_round_trip(
    hooks: Hooks,
    build: Callable[[int], nn.Module],
    seed: int,
    params: Params,
    split: Split,
    report: Callable[[Progress], None],
) -> None:
    """InvalidOutput where the state of a model that `build` makes by `seed` does not restore it.

    The second one is built by another seed: the state has to hold what is drawn at building too.
    """
    trained, device = build(seed).train(), split.targets.device
    inputs, targets = split.take(slice(0, getattr(params, BATCH_SIZE)))
    # A hang or a crash belongs to training.
    report(Progress(stage="train"))
    with torch.enable_grad():
        draws = torch.Generator(device=device).manual_seed(_SEED)
        spikes = checks.encoded(hooks.encode(trained, inputs, draws), inputs)
        checks.scalars(hooks.train_step(trained, spikes, targets), hooks.training)
    report(Progress(stage="round trip"))
    again = build(other_seed(seed))
    entries = state.entries(trained)
    state.load(again, entries)
    state.check_values(again, entries)

    def scores(model: nn.Module) -> Tensor:
        # Spike trains are never evaluated without recording.
        return _scores(hooks, model.eval(), inputs[:SAMPLES], record=targets.ndim == 3)

    try:
        ours = scores(trained)
    except Exception:
        return  # it cannot be evaluated before `harness_finish_training`: the trial's end will tell
    if not _alike(ours, scores(again)) and _alike(ours, scores(trained)):
        raise InvalidOutput(
            "state_dict: a model that was trained for one step, and one that is built again and loaded "
            "with its state, give different scores; register what training changes, and what is drawn at "
            "building, as parameters or buffers"
        )


@torch.no_grad()
def _scores(hooks: Hooks, model: nn.Module, inputs: Tensor, record: bool) -> Tensor:
    """The scores [B, N] of `inputs` by the same draws each time."""
    draws = torch.Generator(device=inputs.device).manual_seed(_SEED)
    torch.manual_seed(_SEED)
    spikes = hooks.encode(model, inputs, draws)
    scores = hooks.evaluate(model, spikes, record).scores.float()
    return scores if scores.ndim == 2 else scores.transpose(0, 1).flatten(1)


def _alike(ours: Tensor, theirs: Tensor) -> bool:
    if ours.shape != theirs.shape:
        return False
    scale = ours.nan_to_num().abs().max().clamp(min=1e-12)
    # What is not finite in both is told elsewhere.
    other = (ours - theirs).nan_to_num().abs().amax(1) > _TOLERANCE * scale
    samples = len(ours)
    return int(other.sum()) <= min(max(ROUNDING * samples, ROUNDED), samples - 1)
