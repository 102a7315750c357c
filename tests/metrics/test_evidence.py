import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.metrics.evidence import changed_name, read, seed_of
from harness.plugin import Change

LABELS = np.array([0, 1, 2, 1])
CHANGE = Change("noise", "s.d.", (0.1, 10.0), lambda values, _strength, _draws: values)
ARRAYS = {
    "predicted": np.stack([LABELS * 0, LABELS]),
    "scores": np.zeros((4, 3), np.float32),
    changed_name("noise", 0.1): LABELS,
    changed_name("noise", 10.0): LABELS * 0,
}


@pytest.fixture
def files(tmp_path):
    save_file({"test_targets": LABELS}, tmp_path / "labels")

    def write(**arrays):
        every = {**ARRAYS, **arrays}
        save_file({k: v for k, v in every.items() if v is not None}, tmp_path / "evidence")
        return tmp_path / "evidence", tmp_path / "labels"

    return write


def test_evidence_is_what_the_worker_left_beside_the_labels(files):
    found = read(*files(), 3, [CHANGE], {"synops_ac": 5.0})
    assert found.predictions.tolist() == LABELS.tolist()
    assert found.by_step.shape == (2, 4)
    assert found.changed["noise"][10.0].tolist() == [0, 0, 0, 0]
    assert found.metrics["synops_ac"] == 5


@pytest.mark.parametrize(
    ("name", "array", "told"),
    [
        ("scores", None, "holds no scores of 4 samples and 3 classes"),
        ("scores", np.zeros((4, 2), np.float32), "holds no scores of 4 samples and 3 classes"),
        ("predicted", None, "holds no predicted of 4 samples"),
        ("predicted", LABELS + 1, r"predicted is not all in \[0, 3\)"),
        (changed_name("noise", 0.1), None, "holds no changed noise 0.1 of 4 samples"),
        (changed_name("noise", 0.1), LABELS[:3], "holds no changed noise 0.1 of 4 samples"),
    ],
)
def test_anything_else_is_no_evidence(files, name, array, told):
    with pytest.raises(ValueError, match=told):
        read(*files(**{name: array}), 3, [CHANGE])


def test_draws_are_of_seed_change_and_strength():
    every = [(0, "a", 0.1), (1, "a", 0.1), (0, "b", 0.1), (0, "a", 0.2)]
    assert len({seed_of(*each) for each in every}) == 4
    assert seed_of(0, "a", 1) == seed_of(0, "a", 1.0) < 2**63
