"""A trained network in a fresh process: built anew, loaded with its state, it answers as it did."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from harness.arrays import PREDICTED
from harness.errors import InvalidOutput
from harness.plugin import SPIKE_TRAIN, Params
from harness.protocol.events import Measured, Progress
from harness.protocol.requests import ReloadTrial
from harness.worker import repeats, state, validity
from harness.worker.data import TaskData, load
from harness.worker.devices import on_device
from harness.worker.evaluate import BATCH, Answers, answer
from harness.worker.hooks import Hooks
from harness.worker.round_trip import is_short
from harness.worker.seeds import other_seed, seed_everything
from harness.worker.sequences import evaluated
from harness.worker.train import Report

#: How many test samples are answered again: all of a small split, and enough of a large one; of a short
#: training those of one batch, whose answers are the same draws' as in its evaluation.
SAMPLES, FEW = 1000, BATCH
_WHAT = "the network, loaded again in a fresh process,"


@torch.no_grad()
def reload(request: ReloadTrial, hooks: Hooks, report: Report) -> Measured:
    """The fact `reload`, and `random_answers` where answers differ by chance.

    InvalidOutput where the state does not restore the network, or it answers otherwise.
    """
    report(Progress(stage="reload"))
    trial, row = request.trial, request.trial.row
    device = on_device(row.device, row.threads)
    # The trial has computed the digest of the same file a moment ago.
    data = load(row.task, request.data, device, trial.seed, limit=row.limit, hashed=False)
    params = Params(**row.params)
    # With the trial's own seed, what was drawn while it was built would come back without the state.
    seed_everything(other_seed(trial.seed))
    model = hooks.build_model(data.task, params, device)
    state.check_values(model, state.restore(model, request.state))
    model.eval()
    if data.task.kind == SPIKE_TRAIN:
        _same_spikes(hooks, model, data, request.output)
        return Measured(metrics={}, facts={"reload": "same"})
    samples = FEW if is_short(params, len(data.train)) else SAMPLES
    chance = _same_answers(hooks, model, data, request, samples)
    return Measured(
        metrics={}, facts={"reload": "same", **({"random_answers": chance} if chance else {})}
    )


def _same_answers(
    hooks: Hooks, model: nn.Module, data: TaskData, request: ReloadTrial, samples: int
) -> float:
    """The fraction of answers that differ by chance; InvalidOutput where classes or scores are others."""
    trained = load_file(request.predictions)[PREDICTED].long()
    trained = trained if trained.ndim == 1 else trained[-1]
    samples = min(samples, len(trained))

    def answers() -> Answers:
        return answer(hooks, model, data.test, data.task.classes, limit=samples)

    def by_chance() -> Tensor:
        return validity.differing(answers().last, answers().last)

    ours = answers()
    other = validity.differing(ours.last, trained[:samples])
    chance = validity.same_answers(other, by_chance, _WHAT)
    theirs = torch.tensor(request.beginning)
    if chance or not len(theirs):
        return chance
    first = ours.scores[: len(theirs)]
    if repeats.differ(first, theirs) and not repeats.differ(first, answers().scores[: len(theirs)]):
        raise InvalidOutput(
            f"{_WHAT} gives other scores than it did after training, on "
            f"{repeats.samples_text(first, theirs)}; register what training changes, and what is "
            "drawn at building, as parameters or buffers"
        )
    return chance


def _same_spikes(
    hooks: Hooks, model: nn.Module, data: TaskData, trained: Sequence[Sequence[int]]
) -> None:
    def spikes() -> Tensor:
        return evaluated(hooks, model, data)[1].scores[:, 0]

    ours = spikes()
    theirs = torch.zeros_like(ours)
    for neuron, steps in enumerate(trained):
        theirs[list(steps), neuron] = 1

    def by_chance() -> Tensor:
        return validity.differing(spikes(), spikes()).flatten()

    other = validity.differing(ours, theirs).flatten()
    validity.same_answers(other, by_chance, _WHAT, "steps of its output neurons")
