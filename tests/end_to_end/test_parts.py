"""Runs that are put together and carried on as one, from another folder."""

from __future__ import annotations

import pytest

import harness
from harness.coordinator import api

pytest.importorskip("torch")

SMALL = {
    "task": "digits", "limit": 120, "rounds": 2, "min_time": 0.001, "device": "cpu", "jobs": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        [{"values": [2, 3], "shard": "1/2"}, {"values": [2, 3], "shard": "2/2"}],
        [{"values": [2]}, {"values": [3]}],
    ],
    ids=["parts of a run", "runs of a value each"],
)
@pytest.mark.usefixtures("no_data")
def test_no_trial_of_a_merged_run_is_made_again(plugin_file, tmp_path, monkeypatch, parts):
    plugin_file("mine", base="softmax")
    monkeypatch.chdir(tmp_path)
    for number, part in enumerate(parts):
        harness.run(
            "mine.py", params={"mine": {"steps": part["values"]}}, seeds=[0], timing="shard" in part,
            shard=part.get("shard", ""), out=f"part-{number}", **SMALL,
        )  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    merged = harness.merge(["../part-0", "../part-1"], "all", report=False)
    monkeypatch.chdir(tmp_path)
    run = api.resume("elsewhere/all")
    trials = [record for record in run.records if record.kind == "trial"]
    assert trials == [record for record in merged.records if record.kind == "trial"]
    assert [record.row.swept["steps"] for record in trials] == [2, 3]
    assert sum(record.kind == "network-timing" for record in run.records) == (
        2 if "shard" in parts[0] else 0
    )
