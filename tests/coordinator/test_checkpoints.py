from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.coordinator.checkpoints import Checkpoints
from harness.coordinator.plan import Planned
from harness.protocol import Progress
from harness.results.record import TrialRecord
from harness.results.store import RunFolder
from harness.subjects import Row, Trial


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


@pytest.fixture
def planned(make_plugin):
    """Two trials of one plugin, and one of another."""
    trials = []
    for name, seed in (("a", 0), ("a", 1), ("b", 0)):
        row = Row(plugin=name, framework="none", task="digits", preset="quick")
        trials.append(Planned(Trial(row=row, seed=seed), make_plugin(name), name=name))
    return trials


def record_of(plan, status="ok"):
    return TrialRecord(row=plan.trial.row, seed=plan.trial.seed, status=status)


def kept(folder):
    place = folder.path / "checkpoints"
    return sorted(path.name for path in place.iterdir()) if place.exists() else None


def leave(checkpoints, *plans):
    """What workers leave that were killed."""
    for plan in plans:
        checkpoints.path.mkdir(exist_ok=True)
        Path(checkpoints.asked(plan.trial)["checkpoint"]).write_text("half a training")


def test_a_worker_is_told_where_and_how_often(folder, planned):
    first, second = (Checkpoints(planned, 2.5, folder, print).asked(p.trial) for p in planned[:2])
    assert first["checkpoint_seconds"] == 150
    assert first["checkpoint"] != second["checkpoint"]
    assert first["checkpoint"].startswith(str(folder.path / "checkpoints"))
    assert Checkpoints(planned, None, folder, print).asked(planned[0].trial) == {}
    assert kept(folder) is None


@pytest.mark.parametrize(
    "status", ["ok", "failed", "invalid", "skipped", "timeout", "crashed", "oom"]
)
def test_the_checkpoint_of_a_trial_that_is_done_is_deleted(folder, planned, status):
    checkpoints = Checkpoints(planned, 10, folder, print)
    leave(checkpoints, planned[0])
    checkpoints.recorded(record_of(planned[0], status))
    checkpoints.close()
    goes_on = status in ("timeout", "crashed", "oom")  # with --retry failed
    assert kept(folder) == ([f"{planned[0].trial.key}.safetensors"] if goes_on else None)


def test_those_of_no_open_trial_are_deleted(folder, planned):
    changed = Trial(row=planned[0].trial.row.model_copy(update={"digest": "new"}), seed=0)
    leave(Checkpoints(planned, 10, folder, print), *planned, replace(planned[0], trial=changed))
    assert len(kept(folder)) == 4
    Checkpoints(planned[1:2], 10, folder, print)
    assert kept(folder) == [f"{planned[1].trial.key}.safetensors"]
    folder.append(record_of(planned[1], "timeout"))
    Checkpoints([], 10, folder, print)
    assert kept(folder) == [f"{planned[1].trial.key}.safetensors"]
    folder.append(record_of(planned[1], "ok"))
    Checkpoints([], 10, folder, print)
    assert kept(folder) is None


def test_what_all_trials_of_a_plugin_note_is_said_once(folder, planned):
    said = []
    checkpoints = Checkpoints(planned, 10, folder, said.append)
    for plan in planned:
        checkpoints.heard(plan, Progress(stage="train"))
        checkpoints.heard(plan, Progress(stage="train", note="no checkpoints"))
    checkpoints.heard(planned[1], Progress(stage="train", note="goes on"))
    assert said == [
        "a seed=0: no checkpoints", "b seed=0: no checkpoints", "a seed=1: goes on"
    ]  # fmt: skip
