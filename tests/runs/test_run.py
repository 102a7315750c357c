"""A run's folder that is damaged, or made to break whoever reads it, ends in a report or in one line.

`HARNESS_FUZZ=2000 pytest tests/runs/test_run.py` tries so many damages; by default few. A longer
fuzz, of more files and with bounds of time and memory, is `python -m tests.fuzz`.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from harness.errors import UsageError
from harness.report.closing import closing_lines
from harness.report.terminal import terminal_tables
from harness.results.predictions import keep, read
from harness.results.record import NetworkTiming, Outliers, Series, Versus, to_line
from harness.results.session import Session
from harness.results.store import RECORDS, RUN, RunFolder
from harness.runs.run import load
from tests.fuzz.damage import changed, changed_line, damaged

LABELS = np.arange(20) % 4
EXAMPLES = int(os.environ.get("HARNESS_FUZZ", "25"))


@pytest.fixture
def folder(tmp_path, make_record):
    """A run of two rows with two seeds each, their predictions, and the times of both."""
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.begin(Session(command="harness run", data={"splits": {"test": 20, "validation": 20}}))
    save_file({"test_targets": LABELS}, folder.labels)
    for plugin in ("a", "b"):
        for seed in (0, 1):
            record = make_record(
                plugin=plugin,
                seed=seed,
                params={"hidden": 8},
                metrics={
                    "test_accuracy": 0.9,
                    "validation_accuracy": 0.9,
                    "train_seconds": 1.5,
                    "accuracy_by_step": [0.5, 0.9],
                    "reference_accuracy": {"ann": 1.0},
                },
                scalars={"scale": 1.5},
                layers=[{"name": "hidden", "activation_sparsity": 0.9, "spikes_per_sample": 3.0}],
                history=[{"loss": 1.0}],
                facts={"silent_layers": ["hidden"], "tied_scores": 0.5, "reload": "same"},
                source={"title": "t", "authors": "a", "accuracy": 0.9},
            )
            path = folder.file("predictions", record.key, ".safetensors")
            save_file({"predicted": np.where(np.arange(20) < 18, LABELS, 0)}, path)
            digest = keep(path, read(path, 20, 4))
            folder.append(record.model_copy(update={"predictions": digest}))
        first = make_record(plugin=plugin, params={"hidden": 8})
        rounds = [[0.001 + number / 1e6] * 2 for number in range(6)]
        folder.write_samples(first.key, {"batches": {"latency": 1}, "seconds": {"latency": rounds}})
        versus = None if plugin == "a" else Versus(ratio=0.9, p=0.5, verdict="tie")
        latency = Series(
            batch=1,
            rounds=6,
            outliers=Outliers(count=0, calls=12, slowest=1.0),
            noise_floor=0.1,
            versus=versus,
        )
        folder.append(
            NetworkTiming(
                row=first.row,
                seed=0,
                status="ok",
                metrics={"latency_ms": {"median": 1.0, "low": 0.9, "high": 1.1, "n": 12}},
                series={"latency": latency},
                baseline=make_record(plugin="a", params={"hidden": 8}).row.key,
            )
        )
    return folder


def read_all(path, baseline=""):
    """All that `harness report` does, the closing lines too; the problems, or the one line."""
    try:
        run = load(path)
        run.report(baseline=baseline, figures=False)
    except UsageError as error:
        said = [str(error)]
    else:
        list(terminal_tables(run.description, run.records, 100, run.answers))
        closing = closing_lines(run.records, run.sessions, run.answers)
        assert run.frame is not None
        assert run.summary is not None
        said = [*run.problems, *closing]
    assert all(line.isprintable() for line in said), said
    return said


# --- numbers and names that no run has ------------------------------------------------------------


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_damage_ends_in_a_traceback(folder, tmp_path, data):
    random = data.draw(st.randoms(use_true_random=False))
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder.path, copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file() and path.stat().st_size)
    kinds = sorted({path.suffix for path in files})
    kind = data.draw(st.sampled_from(kinds))
    path = data.draw(st.sampled_from([path for path in files if path.suffix == kind]))
    if path.suffix == ".safetensors" or data.draw(st.integers(0, 5)) == 0:
        path.write_bytes(damaged(random, path.read_bytes()))
    elif path.name == RECORDS:
        path.write_text(changed_line(random, path.read_text()))
    else:
        path.write_text(changed(random, path.read_text()))
    read_all(copy, baseline=data.draw(st.sampled_from(["", "b"])))


# --- what lies in place of a file -----------------------------------------------------------------

PLACES = [RUN, RECORDS, "labels", "predictions", "samples", "figures", "report.html", "summary.csv"]
INSTEAD = {
    "nothing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00" * 9),
}


@pytest.mark.parametrize("instead", INSTEAD)
@pytest.mark.parametrize("place", PLACES)
def test_what_lies_in_place_of_a_file_is_told_in_one_line(folder, make_record, place, instead):
    first = make_record(plugin="a", params={"hidden": 8})
    named = {
        "labels": folder.labels,
        "predictions": folder.file("predictions", first.key, ".safetensors"),
        "samples": folder.file("samples", first.key, ".json"),
    }
    path = named.get(place, folder.path / place)
    path.unlink(missing_ok=True)
    INSTEAD[instead](path)
    said = read_all(folder.path, baseline="b")
    written = place in ("figures", "report.html", "summary.csv")
    assert (written and not path.is_symlink()) or said


def test_figures_are_never_written_through_a_link(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "accuracy.svg").write_text("mine")
    (folder.path / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="figures is a symbolic link"):
        load(folder.path).report()
    assert (tmp_path / "elsewhere" / "accuracy.svg").read_text() == "mine"


def test_a_record_with_an_impossible_value_costs_itself(folder, make_record):
    lines = (folder.path / RECORDS).read_text().splitlines()
    lines[0] = lines[0].replace('"test_accuracy": 0.9', '"test_accuracy": 1.7')
    (folder.path / RECORDS).write_text("\n".join(lines))
    run = load(folder.path)
    assert run.problems == [f"{RECORDS} line 1: trial.metrics: test_accuracy: 1.7 is not in [0, 1]"]
    assert [len(row.ok) for row in run.rows] == [1, 2]
    run.report(figures=False)
    assert "1.7 is not in" in (folder.path / "report.md").read_text()


def test_a_plugins_scalars_and_metrics_of_unknown_names_take_no_name_of_the_hosts(
    folder, make_record
):
    names = ("device", "label", "test_accuracy", "test_accuracy_low", "train_seconds", "status")
    record = make_record(
        plugin="c", metrics={"label": 1.0, "device": 1.0}, scalars=dict.fromkeys(names, 7.0)
    )
    folder.append(record)
    run = load(folder.path)
    line = run.frame[run.frame.plugin == "c"].iloc[0]
    assert (line["label"], line["device"], line["status"]) == ("c", "cpu", "ok")
    assert line["scalars.test_accuracy"] == 7.0
    assert line["metrics.label"] == 1.0
    summary = run.summary[run.summary.plugin == "c"].iloc[0]
    assert (summary["label"], summary["device"]) == ("c", "cpu")
    assert 7.0 not in summary.to_list()
    assert to_line(record) == to_line(run.records[-1])
