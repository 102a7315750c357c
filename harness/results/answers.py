"""The answers of a run's networks to the test samples, from the files beside its records.

Those of a run are a mapping from its tasks to `Answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.results import predictions
from harness.results.accuracy import Outcomes
from harness.results.record import Record, TrialRecord
from harness.results.store import RunFolder
from harness.results.tasks import by_task

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answers:
    """Of one task: the true classes [N] of the test samples, and those predicted, by their digests."""

    labels: NDArray[Any]
    classes: Mapping[str, NDArray[Any]]

    def outcomes(self, trials: Sequence[TrialRecord]) -> Outcomes | None:
        """Which samples the networks of a row predict correctly; None where the answers are missing."""
        import numpy as np

        known = [trial for trial in trials if trial.predictions in self.classes]
        if not known:
            return None
        right = [self.classes[trial.predictions] == self.labels for trial in known]
        return Outcomes([trial.seed for trial in known], np.stack(right))


def read_answers(
    folder: RunFolder, records: Iterable[Record]
) -> tuple[dict[str, Answers], list[str]]:
    """The answers of the trials among `records` by task, and a line about those that cannot be read.

    A task of which none are kept, as one without classes, is left out.
    """
    kept = [record for record in records if isinstance(record, TrialRecord) and record.predictions]
    every: dict[str, Answers] = {}
    problems: list[str] = []
    for task, own in by_task(kept).items():
        answers, wrong = _read(folder, folder.labels_of(task), own)
        problems += wrong
        if answers:
            every[task] = answers
    return every, problems


def _read(
    folder: RunFolder, path: Path, kept: Sequence[TrialRecord]
) -> tuple[Answers | None, list[str]]:
    """The answers to the samples whose classes lie at `path`."""
    if not kept:
        return None, []
    problems: list[str] = []
    classes: dict[str, NDArray[Any]] = {}
    try:
        labels = predictions.read_labels(path)
        if len(labels) < 2:
            raise ValueError("one test sample has none")
    except ValueError as error:
        return None, [f"accuracies have no intervals of samples: {error}"]
    for record in kept:
        path = folder.file("predictions", record.key, ".safetensors")
        try:
            answers = predictions.read(path, len(labels), predictions.MOST_CLASSES)
            if predictions.digest(path) != record.predictions:
                raise ValueError(f"{path.name} is not what was scored")
        except ValueError as error:
            problems.append(f"predictions: {error}")
        else:
            classes[record.predictions] = answers.last
    return Answers(labels, classes), problems


def joined(runs: Sequence[Mapping[str, Answers]]) -> dict[str, Answers]:
    """The answers of several runs: to each task, of those whose test samples are the first one's."""
    import numpy as np

    joint: dict[str, Answers] = {}
    for task, answers in (pair for run in runs for pair in run.items()):
        first = joint.setdefault(task, answers)
        if np.array_equal(answers.labels, first.labels):
            joint[task] = Answers(first.labels, {**first.classes, **answers.classes})
    return joint
