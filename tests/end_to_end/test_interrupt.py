"""Commands that are interrupted in the middle, and then carried on to their end.

The command has a process group of its own and gets the signal alone, so these tests pass also where
pytest runs in the background, with SIGINT ignored (as in `sh -c 'pytest ... & wait'`).
"""

from __future__ import annotations

import signal

import pytest

from .conftest import records

pytest.importorskip("torch")

# Hangs, with a child, until the file `go` is there.
HANG = """
import os, subprocess, sys, time

def hang():
    if not os.path.exists({go!r}):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open({pids!r}, "w") as file:
            file.write(f"{{os.getpid()}} {{child.pid}}\\n")
        time.sleep(600)
"""
TRIAL = """
@hookimpl
def harness_finish_training():
    if torch.initial_seed() == 1:
        hang()
"""
LAYER = """
class Layer(Layer):
    def forward(self, inputs):
        if inputs.shape[0] == 5 and inputs.shape[2] == 12:
            hang()
        return super().forward(inputs)
"""


@pytest.fixture
def stuck(plugin_file, tmp_path):
    """A plugin file whose `code` calls `hang`, until `go` is there; `pids` tells that it does."""

    def write(code, base):
        text = HANG.format(go=str(tmp_path / "go"), pids=str(tmp_path / "pids"))
        return plugin_file("stuck", text + code, base=base)

    return write


@pytest.fixture
def interrupted(start, tmp_path, eventually, gone):
    """Starts a command, waits until it is stuck, sends it the signal: what it says at its end."""
    pids = tmp_path / "pids"

    def run(number, *words):
        pids.unlink(missing_ok=True)
        process = start(*words)
        try:

            def hangs():
                assert process.poll() is None, process.communicate()
                return pids.exists() and pids.read_text().endswith("\n")

            eventually(hangs, seconds=300)
            process.send_signal(number)
            _, err = process.communicate(timeout=180)
            for pid in map(int, pids.read_text().split()):
                eventually(lambda pid=pid: gone(pid), what="the end of an orphan")
            eventually(lambda: not process.left(), what="the end of what was started")
        finally:
            process.clean_up()
        assert process.returncode == 130, err
        assert "Traceback" not in err
        return err.splitlines()[-1]

    return run


def finished(process):
    """What a command that nobody interrupts says: output and errors."""
    try:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
        assert process.left() == []
    finally:
        process.clean_up()
    return out, err


def has_a_report_without_figures(folder):
    assert (folder / "report.html").is_file()
    assert (folder / "summary.csv").is_file()
    return not list((folder / "figures").iterdir())


@pytest.mark.timeout(1800)
def test_an_interrupted_run_keeps_what_it_has_and_is_carried_on(
    start, lines, stuck, interrupted, tmp_path
):
    folder, file = tmp_path / "run", stuck(TRIAL, "softmax")
    said = (
        "harness: interrupted; what was finished is kept, carry on with: "
        f"harness run --resume {folder}"
    )
    last = interrupted(
        signal.SIGINT, "run", "--plugins", file, "--seeds", "0,1", "--jobs", "1", "--rounds", "1",
        "--min-time", "0.01", "--device", "cpu", "--out", folder,
    )  # fmt: skip
    assert last == said
    trials, timings = lines(folder)
    (first,) = trials.values()
    assert (first["row"]["plugin"], first["seed"], first["status"]) == ("stuck", 0, "ok")
    assert timings == {}
    assert has_a_report_without_figures(folder)

    assert interrupted(signal.SIGTERM, "run", "--resume", folder) == said
    assert lines(folder) == (trials, {})
    assert has_a_report_without_figures(folder)

    (tmp_path / "go").touch()
    _, err = finished(start("run", "--resume", folder))
    assert "2 trials on digits (quick), 1 of them done before" in err
    trials, timings = lines(folder)
    assert trials["stuck", 0] == first
    assert (trials["stuck", 1]["status"], trials["stuck", 1]["session"]) == ("ok", 2)
    assert timings.keys() == {("stuck", 0)}
    assert timings["stuck", 0]["session"] == 2
    assert not has_a_report_without_figures(folder)


@pytest.mark.timeout(1800)
def test_interrupted_layers_keep_their_proofs_and_sizes_and_are_carried_on(
    start, stuck, interrupted, tmp_path
):
    folder, file = tmp_path / "layers", stuck(LAYER, "literal_layer")
    said = (
        "harness: interrupted; what was finished is kept, carry on with: "
        f"harness layers --resume {folder}"
    )
    last = interrupted(
        signal.SIGINT, "layers", "--plugins", file, "--neurons", "8,12", "--steps", "5", "--batch",
        "2", "--density", "1", "--rounds", "2", "--min-time", "0.001", "--device", "cpu",
        "--out", folder,
    )  # fmt: skip
    assert last == said
    before = records(folder)
    assert [record["kind"] for record in before] == ["layer-proof"] * 8 + ["peaks", "layer-timing"]
    assert {record["status"] for record in before} == {"ok"}
    assert has_a_report_without_figures(folder)
    assert "stuck" in (folder / "report.md").read_text()

    assert interrupted(signal.SIGTERM, "layers", "--resume", folder) == said
    assert records(folder) == before

    (tmp_path / "go").touch()
    out, _ = finished(start("layers", "--resume", folder))
    after = records(folder)
    assert after[: len(before)] == before
    assert [record["kind"] for record in after[len(before) :]] == ["peaks", "layer-timing"]
    assert after[-1]["row"]["size"]["neurons"] == 12
    assert after[-1]["session"] == 2
    assert f"report: {folder / 'report.html'}" in out
    assert not has_a_report_without_figures(folder)


@pytest.mark.timeout(900)
def test_a_run_that_is_killed_leaves_no_process_and_can_be_carried_on(
    start, lines, stuck, tmp_path, eventually
):
    folder, file = tmp_path / "run", stuck(TRIAL, "softmax")
    process = start(
        "run", "--plugins", file, "--seeds", "0,1", "--jobs", "1", "--no-timing", "--device", "cpu",
        "--out", folder,
    )  # fmt: skip
    pids = tmp_path / "pids"
    try:
        eventually(lambda: pids.exists() and pids.read_text().endswith("\n"), seconds=300)
        assert process.left()
        process.kill()
        process.communicate(timeout=180)
        eventually(lambda: not process.left(), what="the end of what was started")
    finally:
        process.clean_up()
    assert lines(folder)[0].keys() == {("stuck", 0)}
    (tmp_path / "go").touch()
    finished(start("run", "--resume", folder))
    assert lines(folder)[0].keys() == {("stuck", 0), ("stuck", 1)}


EPOCHS = """
updates, was = [], [harness_train_step]

@hookimpl
def harness_train_step(model, spikes, targets):
    updates.append(1)
    if len(updates) > 50:  # in the third epoch of digits, with 20 batches each
        hang()
    return was[0](model, functional.dropout(spikes, 0.2), targets)

@hookimpl
def harness_training_state(model):
    return {}
"""


@pytest.mark.timeout(1200)
def test_a_training_that_is_killed_goes_on_and_ends_as_one_that_nobody_disturbed(
    start, lines, stuck, tmp_path, eventually
):
    file = stuck(EPOCHS, "softmax")
    words = [
        "run", "--plugins", file, "--seeds", "0", "--set", "stuck.epochs=4", "--checkpoint", "0",
        "--no-timing", "--device", "cpu", "--out",
    ]  # fmt: skip
    process, pids = start(*words, tmp_path / "parts"), tmp_path / "pids"
    try:
        eventually(lambda: pids.exists() and pids.read_text().endswith("\n"), seconds=300)
        process.kill()
        process.communicate(timeout=180)
        eventually(lambda: not process.left(), what="the end of what was started")
    finally:
        process.clean_up()
    (left,) = (tmp_path / "parts/checkpoints").iterdir()
    assert left.suffix == ".safetensors"
    (tmp_path / "go").touch()
    _, err = finished(start("run", "--resume", tmp_path / "parts"))
    assert "stuck seed=0: goes on after epoch 2 of 4" in err
    assert not (tmp_path / "parts/checkpoints").exists()
    finished(start(*words, tmp_path / "whole"))
    assert not (tmp_path / "whole/checkpoints").exists()
    parts, whole = (lines(tmp_path / name)[0]["stuck", 0] for name in ("parts", "whole"))
    assert (parts["facts"].pop("continued"), len(parts["history"])) == ([2], 4)
    for record in (parts, whole):
        assert record["metrics"].pop("train_seconds") > 0
        record["facts"].pop("checkpoint_seconds")
    for name in ("status", "metrics", "facts", "history", "layers", "predictions"):
        assert parts[name] == whole[name], name
    states = [next((tmp_path / name / "state").iterdir()) for name in ("parts", "whole")]
    assert states[0].read_bytes() == states[1].read_bytes()
