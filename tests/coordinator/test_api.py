from __future__ import annotations

import json

import pytest

import harness
from harness.errors import UsageError
from harness.results.record import SCHEMA
from harness.results.store import RUN, TRIALS, RunFolder


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", {"config": {"plugins": ["all"]}})


def test_a_run_is_loaded_with_its_records_and_its_problems(folder, make_record):
    folder.append(make_record())
    with (folder.path / TRIALS).open("a") as file:
        file.write("half a li")
    run = harness.load(str(folder.path))
    assert run.records == [make_record()]
    assert len(run.problems) == 1
    assert run.path == folder.path


def test_loading_what_is_no_run_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no run"):
        harness.load(tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"task": "mnits"}, "unknown task 'mnits': did you mean 'mnist'"),
        ({"plugins": "no-such-plugin"}, "unknown plugin 'no-such-plugin'"),
        ({"device": "tpu"}, "unknown device 'tpu': known: auto, cpu, cuda"),
        ({"plugins": []}, "no plugin is named"),
        ({"colour": "red"}, "colour: "),
    ],
)
def test_a_mistake_is_found_before_anything_is_written(distribution, tmp_path, options, reason):
    distribution("installed", {"installed": "a_module"}, modules={"a_module": ""})
    out = tmp_path / "out"
    with pytest.raises(UsageError) as error:
        harness.run(**{"plugins": "installed", "out": out} | options)
    assert reason in str(error.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("config", "reason"),
    [({}, "plugins: Field required"), ({"plugins": ["all"], "odd": 1}, "odd: Extra inputs")],
)
def test_resuming_a_run_of_another_version_is_a_usage_error(folder, config, reason):
    (folder.path / RUN).write_text(json.dumps({"schema": SCHEMA, "config": config}))
    from harness.coordinator.api import resume

    with pytest.raises(UsageError, match=reason):
        resume(folder.path)


def test_the_public_names_are_there_and_others_are_not():
    assert callable(harness.run)
    assert harness.Run.__name__ == "Run"
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = harness.runn


def test_the_trials_of_another_run_become_rows_and_its_timings_do_not(tmp_path, make_record):
    mine = RunFolder.create(tmp_path / "mine", {})
    other = RunFolder.create(tmp_path / "other", {})
    mine.append(make_record(preset="source"))
    mine.append(make_record(stage="timing", preset="source", metrics={"latency_ms": {"median": 2}}))
    other.append(make_record(preset="best"))
    other.append(make_record(stage="timing", preset="best", metrics={"latency_ms": {"median": 9}}))
    harness.load(mine.path).report(beside=[harness.load(other.path)])
    page = (mine.path / "report.md").read_text()
    assert "2 rows" in page
    assert "the trials of other; timed were only this run's" in page
    assert "2 ms" in page
    assert "9 ms" not in page
