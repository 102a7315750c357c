from __future__ import annotations

import json

import pytest

from harness.errors import UsageError
from harness.results.layers import LayerRecord, LayersFolder


def record(**changes):
    fields = {"stage": "speed", "key": "a", "device": "cpu", "threads": 1, "status": "ok"}
    return LayerRecord(**fields | changes)


def test_a_record_round_trips():
    made = record(neuron={"beta": 0.9}, metrics={"total_ms": {"median": 1.5, "n": 3}})
    assert LayerRecord.from_line(made.to_line()) == made
    assert json.loads(made.to_line())["schema"] == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "Expecting"),
        ("[]", "no record of schema 1"),
        ('{"schema": 2}', "no record of schema 1"),
        ('{"schema": 1, "stage": "speed"}', "key: Field required"),
    ],
)
def test_a_line_that_is_no_record_is_told(line, told):
    with pytest.raises(ValueError, match=told):
        LayerRecord.from_line(line)


def test_a_folder_keeps_description_and_records(tmp_path):
    folder = LayersFolder.create(tmp_path / "new", {"command": "harness layers"})
    folder.append(record())
    folder.append(record(key="b"))
    again = LayersFolder.open(tmp_path / "new")
    assert [r.key for r in again.records()] == ["a", "b"]
    assert again.description()["command"] == "harness layers"
    assert again.description()["kind"] == "layers"


def test_a_folder_is_not_made_where_something_is(tmp_path):
    LayersFolder.create(tmp_path / "new", {})
    with pytest.raises(UsageError, match="already holds a run: give another --out"):
        LayersFolder.create(tmp_path / "new", {})
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError):
        LayersFolder.create(tmp_path / "file", {})


def test_a_folder_of_something_else_is_not_opened(tmp_path):
    with pytest.raises(UsageError, match=r"it has no layers\.jsonl"):
        LayersFolder.open(tmp_path)


def test_a_broken_line_is_named(tmp_path):
    folder = LayersFolder.create(tmp_path / "new", {})
    folder.append(record())
    with (tmp_path / "new" / "layers.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(UsageError, match=r"layers\.jsonl line 2: "):
        folder.records()
