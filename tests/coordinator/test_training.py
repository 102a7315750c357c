from __future__ import annotations

import threading
import time

import pytest

from harness.subjects import PluginLocation
from harness.errors import UsageError
from harness.catalogue.plugins import Plugin, from_file
from harness.protocol import Failed, Opened, Prepared, Trained, Trial
from harness.results.store import RunFolder
from harness.coordinator.config import RunConfig
from harness.coordinator.listener import Listener
from harness.coordinator.outcome import not_ready, outcome, record_of
from harness.coordinator.pool import Workers, spread
from harness.coordinator.training import ask_presets, prepare, run_trials

# --- what an answer means for the record ----------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (Failed(status="failed", reason="R", where="import"), "failed", "import: R"),
        (Failed(status="timeout", reason="R", where="train"), "timeout", "train: R"),
        (Failed(status="failed", reason="R"), "failed", "R"),
        # What the plugin says of itself, and what already names its hook, stands alone.
        (Failed(status="skipped", reason="R", where="import"), "skipped", "R"),
        (Failed(status="invalid", reason="harness_x: R", where="train"), "invalid", "harness_x: R"),
        (
            Opened(first_call_ms=1, train_batch=1, inference_batch=1),
            "crashed",
            "the worker answered 'opened'",
        ),
    ],
)
def test_what_is_no_result_has_a_status_and_a_reason(event, status, reason):
    assert outcome(event) == {"status": status, "reason": reason}


def test_a_result_keeps_what_was_measured_and_nothing_else():
    event = Trained(
        params={"hidden": 3}, device="cpu", versions={"torch": "2"},
        metrics={"test_accuracy": 0.0, "synops_ac": float("nan"), "x": None},
        absent={"energy": "no counter"},
        layers=[{"name": "l"}], history=[{"loss": 1.0}],
    )  # fmt: skip
    found = outcome(event)
    assert found["status"] == "ok"
    assert found["metrics"] == {"test_accuracy": 0.0}
    assert found["absent"] == {
        "energy": "no counter",
        "synops_ac": "it came out as no finite number",
        "x": "it came out as no finite number",
    }
    assert (found["params"], found["layers"], found["history"]) == (
        {"hidden": 3}, [{"name": "l"}], [{"loss": 1.0}],
    )  # fmt: skip


def test_a_missing_plugin_is_skipped_with_the_mend_and_a_broken_one_has_failed():
    source = PluginLocation("p")
    missing = Plugin("p", source, "f", status="missing", reason="x is missing", install="get x")
    assert not_ready(missing) == Failed(status="skipped", reason="x is missing; get x")
    broken = Plugin("p", source, "f", status="broken", reason="line 1")
    assert outcome(not_ready(broken)) == {"status": "failed", "reason": "import: line 1"}


def trial(source, seed=0, **overrides):
    return Trial(
        plugin=source, label=source.name, task="digits", preset="quick", overrides=overrides,
        seed=seed, device="cpu",
    )  # fmt: skip


def test_a_record_says_which_trial_it_is_of():
    plugin = Plugin("p", PluginLocation("p"), "net", framework_version="3")
    record = record_of(trial(plugin.source, 7, hidden=2), plugin, "timing", status="ok")
    assert (record.key, record.stage, record.seed) == ("p seed=7", "timing", 7)
    assert (record.framework, record.framework_version) == ("net", "3")
    assert record.params == {"hidden": 2}


# --- several at a time ----------------------------------------------------------------------------


def test_calls_run_side_by_side_up_to_the_number_of_jobs():
    together, most, lock = 0, 0, threading.Lock()

    def call(number):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.02)
        with lock:
            together -= 1
        return number

    calls = [lambda n=n: call(n) for n in range(9)]
    assert sorted(spread(calls, 3, Workers())) == list(range(9))
    assert most == 3


def test_whatever_ends_it_early_stops_the_workers_and_starts_no_other_call():
    started = []

    def call(number):
        started.append(number)
        return number

    workers = Workers()
    calls = [lambda n=n: call(n) for n in range(50)]

    def consume():
        for _ in spread(calls, 1, workers):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert workers.stopped
    assert len(started) < 50


def test_a_worker_that_starts_after_the_stop_is_ended_at_once(tmp_path):
    workers = Workers()
    workers.stop()
    with workers.start(tmp_path / "log") as worker:
        assert worker._process.wait(timeout=30) == -9


# --- with workers ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake_torch")
def test_presets_are_asked_of_each_plugin_and_one_that_fails_is_left_out(plugin_file):
    good = from_file(plugin_file("good", base="declared"))
    bad = from_file(plugin_file("bad", "raise RuntimeError"))
    found = ask_presets([good, bad], Workers(), 2)
    assert found.keys() == {"good"}
    assert found["good"].parameters["reset"].check("reset", "subtract") == "subtract"
    assert found["good"].offers("source", "mnist")
    assert not found["good"].offers("source", "digits")


@pytest.mark.usefixtures("fake_torch", "no_data")
def test_data_that_cannot_be_had_are_a_usage_error_with_the_task():
    config = RunConfig(plugins=("all",), task="nothing")
    with pytest.raises(UsageError, match=r"^task nothing: unknown task 'nothing'"):
        prepare(config, Workers(), Listener())


class Heard(Listener):
    def __init__(self):
        self.records, self.stages = [], []

    def progress(self, key, progress):
        self.stages.append((key, progress.stage))

    def recorded(self, record):
        self.records.append(record)


@pytest.mark.usefixtures("fake_torch")
def test_every_trial_leaves_a_record_whether_its_plugin_can_start_or_not(plugin_file, tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    plugins = {
        "broken": from_file(plugin_file("broken", "def f(:\n")),
        "crash": from_file(plugin_file("crash", base="declared")),
    }
    trials = [trial(p.source, seed) for seed in (0, 1) for p in plugins.values()]
    heard = Heard()
    data = Prepared(path="unused", facts={})
    config = RunConfig(plugins=("all",), jobs=2)
    run_trials(trials, plugins, config, data, folder, Workers(), heard)
    records, problems = folder.records()
    assert problems == []
    assert sorted(record.key for record in records) == sorted(trial.key for trial in trials)
    assert heard.records == records
    by_name = {record.plugin: record for record in records}
    assert by_name["broken"].status == "failed"
    assert by_name["broken"].reason.startswith("import: line ")
    assert by_name["broken"].log == ""
    # The stand-in of torch can do nothing: the trial fails, and its log says why.
    assert by_name["crash"].status == "failed"
    assert "AttributeError" in (folder.path / by_name["crash"].log).read_text()
    assert all(record.jobs == 2 for record in records)
