"""The examples of docs/tasks.md, each on small files of its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from harness.catalogue.tasks import find_task
from harness.tasks.prepare import prepare_task
from harness.worker.task_hook import TaskHook

EXAMPLES = Path(__file__).parents[2] / "docs/examples/tasks"
DOCS = (EXAMPLES.parents[1] / "tasks.md").read_text()
DRAWS = np.random.default_rng(0)
SIZES = {"train": 30, "validation": 10, "test": 10}


def table(folder):
    rows = [f"{x:.6f},{y:.6f},{i % 3}" for i, (x, y) in enumerate(DRAWS.normal(size=(60, 2)))]
    (folder / "table.csv").write_text("\n".join(["x,y,class", *rows]))


def arrays(folder):
    found = {}
    for name, size in SIZES.items():
        found[f"{name}_x"] = DRAWS.integers(0, 256, (size, 1, 4, 4), np.uint8)
        found[f"{name}_y"] = np.arange(size) % 10
    np.savez(folder / "arrays.npz", **found)


def images(folder):
    image = pytest.importorskip("PIL.Image")
    for name in ("cats", "dogs", "owls"):
        (folder / "images" / name).mkdir(parents=True)
        for i in range(10):
            pixels = DRAWS.integers(0, 256, (30, 20, 3), np.uint8)
            image.fromarray(pixels).save(folder / "images" / name / f"{i}.png")


def recordings(folder):
    for name, size in SIZES.items():
        np.save(folder / f"{name}_x.npy", (DRAWS.random((size, 50, 16)) < 0.1).astype(np.uint8))
        np.save(folder / f"{name}_y.npy", np.arange(size) % 2)


def prepared(example, folder, tmp_path):
    location = find_task(str(EXAMPLES / example)).location
    spec = TaskHook(location.place).find(location.name, location.options)
    return prepare_task(spec, [folder], tmp_path / "cache", print, code=location.digest)


@pytest.mark.parametrize(
    ("example", "make", "shape", "sizes", "lines"),
    [
        ("csv_table.py", table, (2,), (42, 6, 12), 15),
        ("npz_arrays.py", arrays, (1, 4, 4), (30, 10, 10), 15),
        ("image_folder.py", images, (1, 28, 28), (21, 3, 6), 20),
        ("large_arrays.py", recordings, (16,), (30, 10, 10), 40),
    ],
)
def test_the_example_reads_its_data(tmp_path, example, make, shape, sizes, lines):
    folder = tmp_path / "data"
    folder.mkdir()
    make(folder)
    found = prepared(example, folder, tmp_path)
    assert found.task.input_shape == shape
    assert tuple(found.facts["splits"].values()) == sizes
    code = [line for line in (EXAMPLES / example).read_text().splitlines() if line.strip()]
    assert len(code) <= lines
    assert f"examples/tasks/{example}" in DOCS


def test_the_steps_are_told_to_plugins(tmp_path):
    recordings(tmp_path)
    task = prepared("large_arrays.py", tmp_path, tmp_path).task
    assert (task.steps, task.step_ms, task.classes, task.train_size) == (50, 2.0, 2, 30)
