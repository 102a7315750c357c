"""The checks that call a trained network more than once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.measure.clock import no_collection, timed
from harness.plugin import SPIKE_TRAIN
from harness.worker import validity
from harness.worker.conformance.outcome import Failing, Skipping
from harness.worker.conformance.probe import Probe, differing_samples, take
from harness.worker.seeds import seed_everything

_ONE_BY_ONE = 16


def batches(probe: Probe) -> str:
    """A sample has the same scores alone, in another batch, and in another place."""
    spikes, whole = probe.spikes, probe.scores(probe.trained, probe.spikes)
    if probe.material.data.task.kind == SPIKE_TRAIN:
        raise Skipping("a spike-train task has one pattern: there are no batches")
    if _draws_in_evaluation(probe, spikes):
        raise Skipping("its neurons draw random numbers: scores of two batches cannot be compared")
    samples = spikes.shape[1]
    backwards = torch.arange(samples - 1, -1, -1, device=spikes.device)
    turned = probe.scores(probe.trained, take(spikes, backwards)).flip(0)
    _alike(turned, whole, "when the batch is in reverse order")
    halves = [take(spikes, slice(0, 5)), take(spikes, slice(5, samples))]
    parts = torch.cat([probe.scores(probe.trained, half) for half in halves])
    _alike(parts, whole, f"in batches of 5 and {samples - 5} in place of one of {samples}")
    alone = [probe.scores(probe.trained, take(spikes, slice(i, i + 1))) for i in range(_ONE_BY_ONE)]
    _alike(torch.cat(alone), whole[:_ONE_BY_ONE], "when it is alone in its batch")
    return "alone, in parts and in reverse order"


def remembered(probe: Probe) -> str:
    """Calls in between, and inputs that were seen before, change nothing."""
    spikes, model = probe.spikes, probe.trained
    state = {name: _copied(value) for name, value in model.state_dict().items()}
    # Other inputs of the same shape: each sample's are its neighbour's, or all steps are turned.
    other = spikes.roll(1, 1) if spikes.shape[1] > 1 else spikes.flip(0)
    first, second = probe.scores(model, spikes), probe.scores(model, other)
    _same(probe.scores(model, spikes), first, "a repeated call gives other scores than the first")
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor) and not torch.equal(value, state[name]):
            raise Failing(
                f"harness_evaluate changes {name!r} of the model's state",
                "keep what a call computes in local variables, and write to no buffer in evaluation",
            )
    place = spikes.contiguous().clone()
    probe.scores(model, place)
    place.copy_(other)
    mend = "keep no cache of inputs or scores"
    _same(probe.scores(model, place), second, "new inputs in the same memory get old scores", mend)
    if not probe.quick and probe.material.data.task.kind != SPIKE_TRAIN:
        _repeated_is_no_faster(probe, mend)
    return ""


def _repeated_is_no_faster(probe: Probe, mend: str) -> None:
    data = probe.material.data

    def seconds(index: int) -> float:
        sample = data.train.take_inputs(slice(index, index + 1))
        with torch.no_grad():
            return timed(lambda: _predict(probe, sample), probe.device)[0]

    seconds(len(data.train) - 1)  # warm-up
    try:
        with no_collection():
            validity.nothing_is_remembered(seconds, len(data.train) - 1)
    except InvalidOutput as error:
        raise Failing(str(error), mend) from error


def _predict(probe: Probe, sample: Tensor) -> Tensor:
    draws = torch.Generator(device=probe.device).manual_seed(0)
    spikes = probe.hooks.encode(probe.trained, sample, draws)
    return probe.hooks.evaluate(probe.trained, spikes, False).scores


def _draws_in_evaluation(probe: Probe, spikes: Tensor) -> bool:
    """Whether two evaluations differ by the seed alone."""
    scores = []
    for seed in (0, 0, 1):
        seed_everything(seed)
        with torch.no_grad():
            scores.append(probe.hooks.evaluate(probe.trained, spikes, False).scores.clone())
    return torch.equal(scores[0], scores[1]) and not torch.equal(scores[0], scores[2])


def _same(ours: Tensor, theirs: Tensor, what: str, mend: str = "") -> None:
    changed = differing_samples(ours, theirs)
    if bool(changed.any()):
        raise Failing(f"{what}, for {int(changed.sum())} of {len(changed)} samples", mend)


def _alike(ours: Tensor, theirs: Tensor, when: str) -> None:
    """The same scores but for a few samples with a membrane potential within rounding of the threshold."""
    changed = int(differing_samples(ours, theirs).sum())
    if changed > max(1, len(ours) // 10):
        raise Failing(f"{changed} of {len(ours)} samples get other scores {when}")


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value
