from __future__ import annotations

import json

from harness.results.session import Session
from harness.results.store import RunFolder
from harness.runs.index import index_runs, runs_in


def test_a_folder_of_runs_gets_an_index(tmp_path):
    RunFolder.create(tmp_path / "one", "networks")
    RunFolder.create(tmp_path / "two", "layers")
    (tmp_path / "two" / "run.json").write_text(json.dumps({"schema": 99}))
    (tmp_path / "no-run-of-ours").mkdir()
    page, count = index_runs(tmp_path)
    text = page.read_text("utf-8")
    assert count == 2
    assert "no records" in text
    assert "results schema 99" in text
    assert "no-run-of-ours" not in text


def test_the_newest_run_of_a_day_comes_first(tmp_path):
    for name, hour in (("early", 9), ("late", 17), ("noon", 12)):
        session = Session(started=f"2026-11-26T{hour:02}:00:00+00:00")
        RunFolder.create(tmp_path / name, "networks").begin(session)
    page, _ = index_runs(tmp_path)
    text = page.read_text("utf-8")
    assert text.index(">late<") < text.index(">noon<") < text.index(">early<")
    assert "2026-11-26 17:00" in text


def test_a_run_is_no_folder_of_runs(tmp_path):
    RunFolder.create(tmp_path / "one", "networks")
    assert runs_in(tmp_path / "one") == []
    assert runs_in(tmp_path / "nothing") == []


def test_the_command_writes_the_index(tmp_path, harness):
    RunFolder.create(tmp_path / "one", "networks")
    code, out, _ = harness("report", tmp_path)
    assert code == 0
    assert "1 runs" not in out
    assert (tmp_path / "index.html").is_file()
    code, _, err = harness("report", tmp_path, "--baseline", "a")
    assert code == 2
    assert "several runs" in err
