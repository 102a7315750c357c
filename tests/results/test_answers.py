from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.results.answers import Answers, joined, read_answers
from harness.results.predictions import keep, read
from harness.results.store import RunFolder

LABELS = np.array([0, 1, 1, 2])


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "networks")
    save_file({"test_targets": LABELS}, folder.labels)
    return folder


@pytest.fixture
def answered(folder, make_record):
    def make(classes, **fields):
        record = make_record(**fields)
        path = folder.file("predictions", record.key, ".safetensors")
        save_file({"predicted": np.array(classes)}, path)
        return record.model_copy(update={"predictions": keep(path, read(path, 4, 10))})

    return make


def test_a_rows_outcomes_are_those_of_its_seeds(folder, answered):
    records = [answered([0, 1, 1, 2], seed=3), answered([0, 0, 1, 9], seed=1)]
    every, problems = read_answers(folder, records)
    assert problems == []
    answers = every[records[0].row.task]
    outcomes = answers.outcomes(records)
    assert list(outcomes.seeds) == [3, 1]
    assert outcomes.right.tolist() == [[True] * 4, [True, False, True, False]]


def test_what_was_changed_or_is_missing_costs_its_own_trial(folder, answered):
    records = [answered([seed, 1, 1, 2], seed=seed) for seed in (0, 1, 2)]
    records[0] = records[0].model_copy(update={"predictions": "0" * 64})
    folder.file("predictions", records[1].key, ".safetensors").unlink()
    every, problems = read_answers(folder, records)
    answers = every[records[0].row.task]
    assert [problem.partition(": ")[0] for problem in problems] == ["predictions"] * 2
    assert "is not what was scored" in problems[0]
    assert "cannot be read" in problems[1]
    assert list(answers.outcomes(records).seeds) == [2]
    assert answers.outcomes(records[:2]) is None


@pytest.mark.parametrize("content", [b"", b"noise" * 100])
def test_labels_that_cannot_be_read_cost_the_samples_part(folder, answered, content):
    records = [answered([0, 1, 1, 2])]
    folder.labels.write_bytes(content)
    answers, (problem,) = read_answers(folder, records)
    assert answers == {}
    assert problem.startswith("accuracies have no intervals of samples: labels.safetensors")


def test_a_run_without_predictions_has_no_answers(folder, make_record):
    assert read_answers(folder, [make_record()]) == ({}, [])


def test_the_answers_to_each_task_are_read_beside_its_own_classes(folder, answered):
    folder.labels.unlink()
    for task, labels in (("one", LABELS), ("two", 2 - LABELS)):
        save_file({"test_targets": labels}, folder.own_labels(task))
    # The same answers to both tasks have the same digest, and are right on one.
    records = [answered([0, 1, 1, 2], task=task) for task in ("one", "two")]
    answers, problems = read_answers(folder, records)
    assert (list(answers), problems) == (["one", "two"], [])
    assert records[0].predictions == records[1].predictions
    accuracies = [answers[r.row.task].outcomes([r]).right.mean() for r in records]
    assert accuracies == [1.0, 0.5]


def test_runs_on_the_same_samples_are_joined():
    one, other = ({"a task": Answers(LABELS, {name: LABELS})} for name in "ab")
    foreign = {"a task": Answers(LABELS + 1, {"c": LABELS}), "another": Answers(LABELS, {})}
    assert joined([{}, one, other])["a task"].classes.keys() == {"a", "b"}
    assert joined([one, foreign, other])["a task"].classes.keys() == {"a", "b"}
    assert list(joined([one, foreign])) == ["a task", "another"]
    assert joined([{}]) == {}
