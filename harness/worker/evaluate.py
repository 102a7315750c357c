"""Accuracy and activity of a trained model on one split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import InvalidOutput
from harness.measure.activity import ActivityMeter
from harness.protocol import Progress
from harness.worker import checks
from harness.worker.data import Split
from harness.worker.hooks import Hooks

#: The batch of every evaluation: large enough to be fast, small enough to record its activity.
BATCH = 250
#: Random encodings draw the same spikes for every model and every seed of a trial.
ENCODE_SEED = 2_147_483_629
#: The decision step is the first whose accuracy is within this of the last step's.
DECISION_TOLERANCE = 0.001


@dataclass
class Score:
    """Correct predictions, by step where the network gives them over time."""

    samples: int = 0
    right: Tensor | None = None  # [T] or [1]
    over_time: bool = False
    reference_right: dict[str, int] = field(default_factory=dict)
    activity: ActivityMeter = field(default_factory=ActivityMeter)

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Counts one batch's scores [B, C] or [T, B, C]."""
        self.over_time = scores.ndim == 3
        predicted = scores.argmax(-1).reshape(-1, len(targets))
        right = (predicted == targets).sum(1).cpu()
        if self.right is None:
            self.right = right
        elif self.right.shape == right.shape:
            self.right += right
        else:
            raise InvalidOutput("harness_evaluate: the number of steps differs by batch")
        self.samples += len(targets)

    @property
    def by_step(self) -> list[float]:
        """The accuracy of the prediction after each step."""
        assert self.right is not None, "nothing was evaluated"
        return [count / self.samples for count in self.right.tolist()]

    @property
    def accuracy(self) -> float:
        """The accuracy of the last prediction."""
        return self.by_step[-1]

    def metrics(self) -> dict[str, Any]:
        """The test metrics, by their names in the record."""
        metrics: dict[str, Any] = {"test_accuracy": self.accuracy, **self.activity.metrics()}
        if self.over_time:
            metrics["accuracy_by_step"] = self.by_step
            metrics["decision_step"] = decision_step(self.by_step)
        if self.reference_right:
            metrics["reference_accuracy"] = {
                name: right / self.samples for name, right in self.reference_right.items()
            }
        return metrics


def decision_step(by_step: list[float]) -> int:
    """The first step (from 1) whose accuracy is within 0.1 points of the last step's."""
    final = by_step[-1]
    # The tolerance is inclusive: 1e-12 keeps rounding of the accuracies out of it.
    return next(
        step
        for step, accuracy in enumerate(by_step, start=1)
        if accuracy >= final - DECISION_TOLERANCE - 1e-12
    )


@torch.no_grad()
def predictions(hooks: Hooks, model: nn.Module, split: Split) -> Tensor:
    """The class [N] (int64) that `model` predicts for each sample of `split`, without recording."""
    model.eval()
    draws = torch.Generator(device=split.targets.device).manual_seed(ENCODE_SEED)
    by_batch = []
    for inputs, _ in split.batches(BATCH):
        scores = hooks.evaluate(model, hooks.encode(model, inputs, draws), False).scores
        by_batch.append((scores[-1] if scores.ndim == 3 else scores).argmax(-1))
    return torch.cat(by_batch)


@torch.no_grad()
def evaluate(
    hooks: Hooks,
    model: nn.Module,
    split: Split,
    classes: int,
    name: str,
    report: Callable[[Progress], None],
    *,
    limit: int | None = None,
    record: bool = False,
) -> Score:
    """Evaluates the first `limit` samples of `split`, all where it is None."""
    model.eval()
    score = Score()
    batches = split.batches(BATCH, limit)
    draws = torch.Generator(device=split.targets.device).manual_seed(ENCODE_SEED)
    for number, (inputs, targets) in enumerate(batches):
        report(Progress(stage=f"evaluate {name}", done=number, total=len(batches)))
        spikes = checks.encoded(hooks.encode(model, inputs, draws), inputs)
        evaluation = hooks.evaluate(model, spikes, record)
        score.add(checks.scores(evaluation, len(targets), classes), targets)
        if record:
            checks.layers(evaluation.layers, len(targets))
            checks.references(evaluation.references, len(targets), classes)
            score.activity.add(evaluation.layers, len(targets))
            for reference, scores in evaluation.references.items():
                right = int((scores.argmax(-1) == targets).sum())
                score.reference_right[reference] = score.reference_right.get(reference, 0) + right
    return score
