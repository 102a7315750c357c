"""Scores the predictions of trials: the true classes of the test samples never enter a worker."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.plugin.contract import Task
from harness.protocol.events import Event, Failed, Trained
from harness.results import predictions
from harness.results.store import RunFolder
from harness.subjects import Trial
from harness.tasks.subset import subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: What a worker goes through before it may say that a network is trained.
_STAGES = ("build", "train", "evaluate", "save")


class Scorer:
    """Scores what workers answered to the test samples of one task.

    `labels` is the file of the true classes, "" where the task has none; it is copied to `kept`, in the
    run, `limit` of them where there is a limit.
    """

    def __init__(
        self,
        task: Task | None,
        labels: str,
        folder: RunFolder,
        kept: Path,
        limit: int | None = None,
    ) -> None:
        self._classes, self._folder = task.classes if task else 0, folder
        self._kept = kept
        self._scores = bool(labels)
        if labels:
            places = partial(subset, limit=limit)
            predictions.keep_labels(Path(labels), self._kept, places)

    @cached_property
    def _labels(self) -> NDArray[Any]:
        return predictions.read_labels(self._kept)

    def check(self, event: Event, trial: Trial, stages: set[str]) -> Event:
        """`event`; Failed in its place where a trained network has left no trace of its training."""
        if not isinstance(event, Trained):
            return event
        missing = [stage for stage in _STAGES if stage not in stages]
        if missing:
            reason = f"the worker answered 'trained' and never was in stage {missing[0]!r}"
            return Failed(status="invalid", reason=reason)
        if not self._folder.file("state", trial.key, ".safetensors").is_file():
            return Failed(
                status="invalid", reason="the worker answered 'trained' and left no state"
            )
        return event

    def score(self, fields: dict[str, Any], trial: Trial) -> dict[str, Any]:
        """The fields of a trial's record, with the metrics of its predictions and their digest."""
        if not self._scores or fields["status"] != "ok":
            return fields
        path = self._folder.file("predictions", trial.key, ".safetensors")
        try:
            predicted = predictions.read(path, len(self._labels), self._classes)
        except ValueError as error:
            return {"status": "invalid", "reason": f"predictions: {error}"}
        unscored = {k: v for k, v in fields["metrics"].items() if k not in predictions.SCORED}
        metrics = unscored | predicted.metrics(self._labels)
        return fields | {"metrics": metrics, "predictions": predictions.keep(path, predicted)}
