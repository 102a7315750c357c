from __future__ import annotations

from harness.config.options import RunConfig
from harness.coordinator.command import Command
from harness.coordinator.listener import Listener


def test_a_task_file_is_found_again_from_another_folder(tmp_path):
    run = tmp_path / "begun" / "run"
    run.mkdir(parents=True)
    (tmp_path / "begun" / "mine.py").touch()
    command = Command(run, Listener(), "", start="..")

    def seen(task):
        return command.here(RunConfig(plugins=("all",), task=task)).task

    assert seen("mine.py:two:steps=5") == f"{run}/../mine.py:two:steps=5"
    assert seen("mnist") == "mnist"
    assert seen("other.py") == "other.py"
