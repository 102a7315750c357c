"""The answers of a run's networks to the test samples, from the files beside its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.results import predictions
from harness.results.accuracy import Outcomes
from harness.results.record import Record, TrialRecord
from harness.results.store import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answers:
    """The true classes [N] of the test samples, and those that networks predict, by their digests."""

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


def read_answers(folder: RunFolder, records: Iterable[Record]) -> tuple[Answers | None, list[str]]:
    """The answers of the trials among `records`, and a line about those that cannot be read.

    None where the run keeps none, as one whose task has no classes.
    """
    kept = [record for record in records if isinstance(record, TrialRecord) and record.predictions]
    if not kept:
        return None, []
    problems: list[str] = []
    found: dict[str, NDArray[Any]] = {}
    try:
        labels = predictions.read_labels(folder.labels)
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
            found[record.predictions] = answers.last
    return Answers(labels, found), problems


def joined(every: Sequence[Answers | None]) -> Answers | None:
    """The answers of several runs: of those whose test samples are the first one's."""
    import numpy as np

    first = next((answers for answers in every if answers), None)
    if first is None:
        return None
    same = [a for a in every if a and np.array_equal(a.labels, first.labels)]
    return Answers(first.labels, {k: c for answers in same for k, c in answers.classes.items()})
