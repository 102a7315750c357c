"""A run of two tasks, interrupted between them and carried on."""

from __future__ import annotations

import pytest

import harness
from harness.config.file import read_config
from harness.coordinator import api
from harness.coordinator.listener import Listener

pytest.importorskip("torch")


class Interrupts(Listener):
    """Ctrl-C after the first record."""

    def recorded(self, label, record):
        raise KeyboardInterrupt


@pytest.mark.usefixtures("no_data")
def test_two_tasks_are_one_folder_with_a_group_and_a_section_for_each(plugin_file, tmp_path):
    path = plugin_file("mine", base="softmax")
    with pytest.raises(KeyboardInterrupt):
        harness.run(
            str(path), task=["digits", "yin-yang"], params={"mine": {"steps": [2, 3]}}, seeds=[0],
            limit=120, jobs=1, rounds=2, min_time=0.001, metrics="none", device="cpu",
            out=tmp_path / "run", listener=Interrupts(),
        )  # fmt: skip
    run = api.resume(tmp_path / "run")

    found = [(r.row.task, r.session, r.status) for r in run.records if r.kind == "trial"]
    assert found == [
        ("digits", 0, "ok"), ("digits", 1, "ok"), ("yin-yang", 1, "ok"), ("yin-yang", 1, "ok"),
    ]  # fmt: skip
    timed = [r for r in run.records if r.kind == "network-timing"]
    keys = {task: [r.row.key for r in timed if r.row.task == task] for task in run.answers}
    assert list(keys) == ["digits", "yin-yang"]
    assert {(r.row.task, r.baseline) for r in timed} == {(t, own[0]) for t, own in keys.items()}
    assert {len(own) for own in keys.values()} == {2}
    sessions = [session.data for session in run.sessions]
    assert sessions[0] == sessions[1]
    assert [sessions[0][task]["digest"] for task in keys] == [
        next(r.row.data for r in timed if r.row.task == task) for task in keys
    ]
    assert {len(row.outcomes.right[0]) for row in run.rows} == {120}
    assert not run.problems
    text = (run.path / "report.md").read_text()
    assert [text.count(f"## Task {task}") for task in keys] == [1, 1]
    assert (run.path / "figures" / "accuracy-yin-yang.svg").is_file()

    again = api.resume(run.path)  # nothing is left to do, and nothing is measured anew
    assert again.records == run.records
    assert read_config(run.path / "run.json")["task"] == "digits,yin-yang"
