from __future__ import annotations

from dataclasses import replace

import pytest

from harness.coordinator.checkpoints import Checkpoints, path_of, prune
from harness.coordinator.plan import Planned
from harness.protocol.events import Progress
from harness.results.record import TrialRecord
from harness.results.session import Session
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


def leave(folder, *plans):
    """What workers leave that were killed."""
    (folder.path / "checkpoints").mkdir(exist_ok=True)
    for plan in plans:
        path_of(folder, plan.trial).write_text("half a training")


def test_a_worker_is_told_where_and_how_often(folder, planned):
    first, second = (Checkpoints(2.5, folder, print).asked(p.trial) for p in planned[:2])
    assert first["checkpoint_seconds"] == 150
    assert first["checkpoint"] != second["checkpoint"]
    assert first["checkpoint"].startswith(str(folder.path / "checkpoints"))
    assert Checkpoints(None, folder, print).asked(planned[0].trial) == {}
    assert kept(folder) is None


@pytest.mark.parametrize(
    "status", ["ok", "failed", "invalid", "skipped", "timeout", "crashed", "oom"]
)
def test_the_checkpoint_of_a_trial_that_is_done_is_deleted(folder, planned, status):
    checkpoints = Checkpoints(10, folder, print)
    leave(folder, planned[0])
    checkpoints.recorded(record_of(planned[0], status))
    checkpoints.close()
    goes_on = status in ("timeout", "crashed", "oom")  # with --retry failed
    assert kept(folder) == ([f"{planned[0].trial.key}.safetensors"] if goes_on else None)


def test_those_from_which_nothing_goes_on_are_deleted(folder, planned):
    number, trials = folder.begin(Session()), [plan.trial for plan in planned]
    prune(folder, number, trials)
    changed = Trial(row=trials[0].row.model_copy(update={"digest": "new"}), seed=0)
    leave(folder, *planned, replace(planned[0], trial=changed))
    (folder.path / "checkpoints/.half.123").touch()
    names = [path_of(folder, trial).name for trial in trials]
    folder.append(record_of(planned[0]))
    folder.append(record_of(planned[1], "timeout"))
    prune(folder, number, trials)
    assert kept(folder) == sorted(names[1:])
    for plan in planned[1:]:
        folder.append(record_of(plan))
    prune(folder, number, trials)
    assert kept(folder) is None


def test_what_all_trials_of_a_plugin_note_is_said_once(folder, planned):
    said = []
    checkpoints = Checkpoints(10, folder, said.append)
    for plan in planned:
        checkpoints.heard(plan, Progress(stage="train"))
        checkpoints.heard(plan, Progress(stage="train", note="no checkpoints"))
    checkpoints.heard(planned[1], Progress(stage="train", note="goes on"))
    assert said == [
        "a seed=0: no checkpoints", "b seed=0: no checkpoints", "a seed=1: goes on"
    ]  # fmt: skip
