"""What a trained model answers to the samples of one split, and its activity meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from harness.arrays import PREDICTED, REFERENCE
from harness.errors import InvalidOutput
from harness.measure.activity import ActivityMeter
from harness.metrics.evidence import SCORES
from harness.plugin import Evaluation
from harness.worker import checks, steps, wiring
from harness.worker.data import Samples, Split
from harness.worker.hooks import Hooks
from harness.worker.repeats import SAMPLES
from harness.worker.unrecorded import Unrecorded, unrecorded

#: The batch of every evaluation: large enough to be fast, small enough to record its activity.
BATCH = 250
#: So many scores of the first samples go into a message at most.
_SENT = 4096
#: Random encodings draw the same spikes for every model and every seed of a trial.
ENCODE_SEED = 2_147_483_629


@dataclass(frozen=True)
class Beginning:
    """The first samples of an evaluation, by copies: `repeats.SAMPLES` of them, or fewer.

    `spikes` are [T, B, ...], `scores` those [B, C] after the last step; `recorded` has their scores and the
    layers that these may come from; `unrecorded` is what of the network no layer has.
    """

    spikes: Tensor
    scores: Tensor
    recorded: Evaluation
    unrecorded: Unrecorded

    def scores_to_send(self) -> list[list[float]]:
        """The scores, of as many samples as fit into a message."""
        rows: list[list[float]] = self.scores[: max(1, _SENT // self.scores.shape[-1])].tolist()
        return rows


@dataclass
class Answers:
    """The predicted classes, after each step where the network gives its scores over time.

    Where activity was recorded, `beginning` are the first samples.
    """

    activity: ActivityMeter = field(default_factory=ActivityMeter)
    beginning: Beginning | None = None
    over_time: bool = False
    tied: int = 0  # samples whose best score after the last step is shared
    _classes: list[Tensor] = field(default_factory=list)
    _references: dict[str, list[Tensor]] = field(default_factory=dict)
    _scores: list[Tensor] = field(default_factory=list)

    def add(self, scores: Tensor, references: dict[str, Tensor] | None = None) -> None:
        """Keeps the predictions of one batch: scores [B, C] or [T, B, C], and references [B, C]."""
        predicted = scores.argmax(-1).cpu()
        last = scores if scores.ndim == 2 else scores[-1]
        best = last == last.amax(-1, keepdim=True)
        self.tied += int((best.sum(-1) > 1).sum())
        if self._classes and predicted.shape[:-1] != self._classes[0].shape[:-1]:
            raise InvalidOutput("harness_evaluate: the number of steps differs by batch")
        self.over_time = predicted.ndim == 2
        self._classes.append(predicted)
        self._scores.append(last.float().cpu())
        for name, reference in (references or {}).items():
            self._references.setdefault(name, []).append(reference.argmax(-1).cpu())

    @property
    def scores(self) -> Tensor:
        """The scores [N, C] after the last step."""
        return torch.cat(self._scores)

    @property
    def last(self) -> Tensor:
        """The classes [N] (int64) after the last step."""
        every = torch.cat(self._classes, -1)
        return every[-1] if self.over_time else every

    def accuracy(self, split: Split) -> float:
        """The fraction of right answers to the first samples of `split`."""
        classes = self.last
        # A quotient of counts: float32 would round it.
        return int((classes == split.targets[: len(classes)].cpu()).sum()) / len(classes)

    def save(self, path: str) -> None:
        """Writes what `harness.results.predictions` reads."""
        every = {PREDICTED: self._classes}
        every |= {f"{REFERENCE}{name}": parts for name, parts in self._references.items()}
        arrays = {name: torch.cat(parts, -1) for name, parts in every.items()}
        most = max(int(array.max()) for array in arrays.values())
        kind = torch.uint8 if most < 2**8 else torch.int32
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save_file({name: array.to(kind).contiguous() for name, array in arrays.items()}, path)

    def save_evidence(self, path: str, changed: Mapping[str, Tensor]) -> None:
        """Writes what `harness.metrics.evidence` reads; `changed` are the classes [N] under changes."""
        arrays = {PREDICTED: torch.cat(self._classes, -1), SCORES: torch.cat(self._scores)}
        arrays |= changed
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save_file({name: array.contiguous() for name, array in arrays.items()}, path)


@torch.no_grad()
def answer(
    hooks: Hooks,
    model: nn.Module,
    samples: Samples,
    classes: int,
    report: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    limit: int | None = None,
    record: bool = False,
    draws: torch.Generator | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
    change_spikes: Callable[[Tensor], Tensor] | None = None,
) -> Answers:
    """The answers to the first `limit` of `samples`, all where it is None.

    `report` is told how many batches are done, of how many; an encoding draws from `draws`, in place of
    the generator that is the same for every model. `change` is applied to the inputs of each batch,
    `change_spikes` to what they are encoded as.
    """
    model.eval()
    answers = Answers()
    total = -(-min(len(samples), len(samples) if limit is None else limit) // BATCH)
    draws = draws or torch.Generator(device=samples.device).manual_seed(ENCODE_SEED)
    for number, inputs in enumerate(samples.input_batches(BATCH, limit)):
        report(number, total)
        inputs = change(inputs) if change else inputs
        spikes = checks.encoded(hooks.encode(model, inputs, draws), inputs)
        spikes = change_spikes(spikes) if change_spikes else spikes
        evaluation = hooks.evaluate(model, spikes, record)
        scores = checks.scores(evaluation, len(inputs), classes)
        if record:
            checks.layers(evaluation.layers, len(inputs))
            wiring.connections(evaluation.layers, model)
            checks.references(evaluation.references, len(inputs), classes)
            answers.activity.add(evaluation.layers, len(inputs))
            answers.beginning = answers.beginning or _beginning(
                spikes, evaluation, unrecorded(evaluation.layers, model)
            )
        answers.add(scores, dict(evaluation.references) if record else None)
    return answers


def _beginning(spikes: Tensor, evaluation: Evaluation, missing: Unrecorded) -> Beginning:
    """The first samples of a batch; InvalidOutput where their layers do not feed each other."""
    few = slice(0, SAMPLES)
    layers = [
        replace(
            layer,
            inputs=layer.inputs[:, few],
            outputs=None if layer.outputs is None else layer.outputs[:, few],
        )
        for layer in evaluation.layers
    ]
    # A plugin may write to its tensors again.
    scores = evaluation.scores[..., few, :].clone()
    part = replace(evaluation, scores=scores, layers=layers, references={})
    steps.one_for_each(scores, spikes)
    wiring.feeding(part, spikes[:, few])
    ends = [
        replace(layer, inputs=_copied(layer.inputs), outputs=None)
        for layer in wiring.ends(part, spikes[:, few])
    ]
    return Beginning(
        _copied(spikes[:, few]),
        scores[-1] if scores.ndim == 3 else scores,
        replace(part, layers=ends),
        missing,
    )


def _copied(values: Tensor) -> Tensor:
    """A copy of values [T, ...] that keeps a view expanded over time."""
    if len(values) > 1 and values.stride(0) == 0:
        return values[:1].clone().expand(len(values), *values.shape[1:])
    return values.clone()
