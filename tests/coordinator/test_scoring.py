from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.coordinator.scoring import Scorer
from harness.results.store import RunFolder
from harness.subjects import Trial
from harness.tasks import find
from harness.tasks.subset import subset

OK = {"status": "ok", "metrics": {"validation_accuracy": 0.5}}
LABELS = np.arange(360) % 10


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


@pytest.fixture
def trial(make_row):
    return Trial(row=make_row(), seed=0)


@pytest.fixture
def scorer(folder, tmp_path):
    save_file({"test_targets": LABELS}, tmp_path / "labels.safetensors")
    return Scorer(find("digits"), str(tmp_path / "labels.safetensors"), folder, folder.labels)


def leave(folder, trial, classes):
    path = folder.file("predictions", trial.key, ".safetensors")
    save_file({"predicted": classes.astype(np.uint8)}, path)


def test_predictions_are_scored_beside_labels_that_only_the_coordinator_has(scorer, folder, trial):
    leave(folder, trial, np.stack([LABELS * 0, LABELS]))
    fields = scorer.score(OK, trial)
    assert fields["status"] == "ok"
    assert fields["metrics"]["test_accuracy"] == 1
    assert fields["metrics"]["accuracy_by_step"] == [0.1, 1]
    assert fields["metrics"]["validation_accuracy"] == 0.5
    assert len(fields["predictions"]) == 64
    assert folder.labels.is_file()


def test_what_a_worker_says_of_its_test_accuracy_does_not_count(scorer, folder, trial):
    leave(folder, trial, LABELS * 0)
    forged = {"status": "ok", "metrics": {"test_accuracy": 1.0, "decision_step": 1}}
    metrics = scorer.score(forged, trial)["metrics"]
    assert metrics == {"test_accuracy": 0.1, "test_size": 360}


@pytest.mark.parametrize("classes", [None, np.zeros(3), LABELS + 100])
def test_without_predictions_of_every_sample_a_trial_is_invalid(scorer, folder, trial, classes):
    if classes is not None:
        leave(folder, trial, classes)
    fields = scorer.score(OK, trial)
    assert fields["status"] == "invalid"
    assert fields["reason"].startswith("predictions: ")
    assert "metrics" not in fields


def test_a_task_without_labels_and_a_trial_that_failed_are_not_scored(scorer, folder, trial):
    assert Scorer(find("spike-train"), "", folder, folder.labels).score(OK, trial) == OK
    failed = {"status": "oom", "reason": "too large"}
    assert scorer.score(failed, trial) == failed


def test_with_a_limit_the_samples_that_it_leaves_are_scored(folder, trial, tmp_path):
    labels = tmp_path / "labels.safetensors"
    save_file({"test_targets": LABELS}, labels)
    scorer = Scorer(find("digits"), str(labels), folder, folder.labels, limit=100)
    leave(folder, trial, LABELS[subset(360, 100)])
    metrics = scorer.score(OK, trial)["metrics"]
    assert (metrics["test_accuracy"], metrics["test_size"]) == (1, 100)
    leave(folder, trial, LABELS)
    assert scorer.score(OK, trial)["status"] == "invalid"
