"""`harness tasks`, and `harness run --task FILE.py`."""

from __future__ import annotations

import json

import pytest

TASK = """
import numpy as np
from harness.plugin import TaskSpec, hookimpl, split_at_random


def read(files):
    table = np.loadtxt(files["points.csv"], delimiter=",")
    return split_at_random(table[:, :-1], table[:, -1].astype(int))


@hookimpl
def harness_tasks():
    return [TaskSpec("points", "points of a plane", classes=2, files={"points.csv": ""}, read=read,
                     source="https://here", licence="CC0", citation="Nobody 2020")]
"""


@pytest.fixture
def task_file(tmp_path):
    path = tmp_path / "my_points.py"
    path.write_text(TASK)
    return path


def points(folder, samples=60):
    rows = [
        f"{i / samples},{(i * 7 % samples) / samples},{int(2 * i >= samples)}"
        for i in range(samples)
    ]
    (folder / "points.csv").write_text("\n".join(rows))


@pytest.fixture
def wide(monkeypatch):
    """Room for a whole path in a line."""
    monkeypatch.setenv("COLUMNS", "1000")


def test_a_built_in_task_is_told_with_where_it_was_looked_for(harness, tmp_path, no_data, wide):
    code, out, _ = harness("tasks", "mnist", "--data", tmp_path)
    assert code == 0
    assert out.startswith("mnist  classification: ")
    for line in (
        "  samples: 1 x 28 x 28 (784 values)\n",
        "  classes: 10\n  train: 55000\n",
        "  licence: CC BY-SA 3.0\n",
        f"  found: in none of {tmp_path}/MNIST/raw, {tmp_path}/MNIST, {tmp_path}/raw, {tmp_path}, ",
    ):
        assert line in out
    _, out, _ = harness("tasks", "randman")
    assert "  samples: 100 steps of 1 ms, each of 20 (20 values)\n" in out


def test_a_wrong_name_offers_the_nearest(harness):
    code, _, err = harness("tasks", "fashon-mnist")
    assert code == 2
    assert err.startswith("harness: unknown task 'fashon-mnist': did you mean 'fashion-mnist'? ")
    code, _, err = harness("tasks", "mnist:steps=3")
    assert (code, err) == (2, "harness: task mnist has no parameters\n")


@pytest.mark.usefixtures("no_data")
def test_a_file_is_told_as_the_others_are(harness, task_file, wide):
    code, out, err = harness("tasks", task_file)
    assert (code, err) == (0, "")
    assert f"  found: points.csv: in none of {task_file.parent}\n" in out
    points(task_file.parent)
    code, out, _ = harness("tasks", task_file, "--json")
    (row,) = json.loads(out)
    assert row["places"] == [f"points.csv: in {task_file.parent}"]
    assert (row["name"], row["kind"], row["classes"]) == ("points", "classification", 2)
    assert (row["licence"], row["citation"], row["sizes"]) == ("CC0", "Nobody 2020", None)


def test_an_installed_task_that_fails_costs_its_own_line(harness, distribution, monkeypatch):
    modules = {"theirs_w": "raise OSError('x')"}
    site = distribution("theirs", tasks={"wine": "theirs_w"}, modules=modules)
    monkeypatch.setenv("PYTHONPATH", str(site))
    code, out, err = harness("tasks")
    assert (code, err) == (0, "")
    assert "wine           broken: task wine: OSError: x (theirs_w.py:1)\n" in out
    assert "digits         classification: " in out
    rows = {row["name"]: row for row in json.loads(harness("tasks", "--json")[1])}
    assert rows["wine"]["status"] == "broken"
    assert rows["mnist"]["sizes"]["test"] == 10_000


def test_a_class_without_samples_is_said_before_the_training(
    harness, task_file, plugin_file, tmp_path
):
    pytest.importorskip("torch")
    named = "classes=3, class_names=['left', 'right', 'above']"
    task_file.write_text(TASK.replace("classes=2", named))
    assert "  class names: left, right, above\n" in harness("tasks", task_file)[1]
    points(tmp_path)
    plugin = plugin_file("mine", base="softmax")
    code, out, err = harness("run", "--plugins", plugin, "--task", task_file, "--dry-run")
    assert code == 0, err
    told = out + err
    assert (
        "my_points: No training sample is of class 2 (above), which no network can learn then. "
        in told
    )
    assert (
        "my_points: No test sample is of class 2 (above), which no accuracy measures then. " in told
    )


def test_a_run_on_a_task_of_ones_own(harness, task_file, plugin_file, tmp_path):
    pytest.importorskip("torch")
    plugin = plugin_file("mine", base="softmax")
    points(tmp_path)
    out = tmp_path / "run"
    code, _, err = harness(
        "run", "--plugins", plugin, "--seeds", "0", "--no-timing", "--task", task_file, "--out", out
    )
    assert code == 0, err
    (record,) = map(json.loads, (out / "records.jsonl").read_text().splitlines())
    (session,) = json.loads((out / "run.json").read_text())["sessions"]
    assert record["row"]["task"] == "points"
    assert record["row"]["data"] == session["data"]["digest"]
    assert session["data"]["splits"] == {"train": 42, "validation": 6, "test": 12}
    assert session["config"]["task"] == str(task_file)
    # From now on, its sizes are known.
    _, told, _ = harness("tasks", task_file)
    assert "  samples: 2 (2 values)\n" in told
    assert "  train: 42\n  validation: 6\n  test: 12\n" in told
