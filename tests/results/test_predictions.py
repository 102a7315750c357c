from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.results.predictions import (
    Predictions,
    decision_step,
    digest,
    keep,
    read,
    read_labels,
)


@pytest.mark.parametrize(
    ("by_step", "samples", "step"),
    [
        ([0.9], 1000, 1),
        ([0.1, 0.5, 0.9], 1000, 3),
        ([0.1, 0.8992, 0.8995, 0.9], 10_000, 2),
        ([0.1, 0.899, 0.9], 10_000, 2),  # the tolerance is inclusive
        ([0.0, 9 / 1000, 10 / 1000], 1000, 2),  # though 10/1000 - 1/1000 comes out above 9/1000
        ([0.1, 0.8989, 0.9], 10_000, 3),
        ([0.1, 0.9 - 1 / 360, 0.9], 360, 2),  # one sample of few
        ([0.95, 0.1, 0.9], 1000, 3),  # better, and then not
        ([0.9, 0.1, 0.9, 0.9], 1000, 3),  # it was there once, and did not stay
        ([0.0, 0.0], 1000, 1),
    ],
)
def test_the_decision_falls_at_the_step_from_which_the_accuracy_stays(by_step, samples, step):
    assert decision_step(by_step, samples) == step


LABELS = np.array([0, 1, 1])


def test_accuracy_over_time_is_that_of_each_step():
    found = Predictions(np.array([[1, 0, 0], [0, 0, 1], [0, 1, 1]]), over_time=True)
    assert found.metrics(LABELS) == {
        "test_accuracy": 1,
        "test_size": 3,
        "accuracy_by_step": [0, 2 / 3, 1],
        "decision_step": 2,  # one sample of three is within the tolerance
    }


def test_a_network_that_answers_once_has_no_accuracy_over_time():
    found = Predictions(np.array([[0, 1, 0]]), references={"ann": np.array([0, 0, 0])})
    assert found.metrics(LABELS) == {
        "test_accuracy": 2 / 3,
        "test_size": 3,
        "reference_accuracy": {"ann": 1 / 3},
    }


@pytest.fixture
def written(tmp_path):
    def write(**arrays):
        path = tmp_path / "mine.safetensors"
        save_file({name.replace("_", " "): np.array(found) for name, found in arrays.items()}, path)
        return path

    return write


@pytest.mark.parametrize(
    ("predicted", "over_time"), [([[0, 2], [1, 2]], True), ([[1, 2]], True), ([1, 2], False)]
)
def test_what_was_written_is_read(written, predicted, over_time):
    found = read(written(predicted=predicted, reference_ann=[0, 1]), 2, 3)
    assert found.classes.tolist() == np.atleast_2d(predicted).tolist()
    assert found.over_time == over_time
    assert found.last.tolist() == [1, 2]
    assert found.references["ann"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"other": [0, 1]}, "holds no predictions"),
        ({"predicted": np.zeros((2, 2, 2), int)}, "holds no predictions"),
        ({"predicted": np.zeros((0, 2), int)}, "holds no predictions"),
        ({"predicted": [0, 1, 2]}, r"\(3,\), wanted classes of 2 samples"),
        ({"predicted": [0.0, 1.0]}, "float64"),
        ({"predicted": [0, 3]}, r"not all in \[0, 3\)"),
        ({"predicted": [0, -1]}, r"not all in \[0, 3\)"),
        ({"predicted": [0, 1], "reference_ann": [0, 9]}, r"not all in \[0, 3\)"),
    ],
)
def test_anything_else_is_refused_in_one_line(written, arrays, reason):
    with pytest.raises(ValueError, match=reason):
        read(written(**arrays), 2, 3)


def test_a_file_that_is_missing_or_no_safetensors_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path / "missing", 2, 3)
    (tmp_path / "noise").write_bytes(b"noise" * 100)
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path / "noise", 2, 3)


@pytest.mark.parametrize(("largest", "size"), [(9, 1), (300, 4)])
def test_the_last_answers_are_kept_and_those_of_references(written, largest, size):
    path = written(predicted=[[0, 0], [1, largest]], reference_ann=[2, 2])
    told = keep(path, read(path, 2, 301))
    assert told == digest(path)
    found = read(path, 2, 301)
    assert found.classes.tolist() == [[1, largest]]
    assert not found.over_time
    assert found.references["ann"].tolist() == [2, 2]
    assert found.classes.itemsize == size


def test_labels_are_read_and_a_digest_tells_files_apart(tmp_path, written):
    save_file({"test_targets": LABELS}, tmp_path / "labels")
    assert read_labels(tmp_path / "labels").tolist() == [0, 1, 1]
    first = digest(written(predicted=[0, 1]))
    assert len(first) == 64
    assert first == digest(written(predicted=[0, 1])) != digest(written(predicted=[1, 1]))


def test_an_array_that_numpy_does_not_have_is_told_in_one_line(tmp_path):
    header = b'{"predicted":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path = tmp_path / "mine.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ValueError, match=r"mine\.safetensors cannot be read"):
        read(path, 2, 3)


@pytest.mark.parametrize("labels", [[0, -1], [0, 2**20], [2**40, 0]])
def test_labels_that_no_task_has_are_refused(tmp_path, labels):
    save_file({"test_targets": np.array(labels)}, tmp_path / "labels.safetensors")
    with pytest.raises(ValueError, match="classes are not all in"):
        read_labels(tmp_path / "labels.safetensors")
