from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from harness.catalogue.plugins import from_file
from harness.config.options import RunConfig, make_config
from harness.coordinator.executors.job import Stages
from harness.coordinator.listener import Listener
from harness.coordinator.plan import Planned, plan
from harness.coordinator.presets import describe
from harness.coordinator.processes.pool import Workers
from harness.coordinator.training import run_trials
from harness.plugin.parameters import Presets
from harness.protocol.events import Failed, Measured, Prepared, Progress, Trained
from harness.results.record import Cited
from harness.results.store import RunFolder
from harness.subjects import Trial
from tests.fixtures.forking import linux

DATA = Prepared(path="unused", facts={})
TRAINED = Trained(versions={}, metrics={"validation_accuracy": 0.5}, layers=[], history=[])
RELOADED = Measured(metrics={}, facts={"reload": "same"})


def config_of(**options):
    return make_config(RunConfig, {"plugins": ("all",), "seeds": (0,), "jobs": 2, **options})


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


def carry_out(planned, config, folder, logs, workers, listener=None, session=0):
    heard = listener or Listener()
    run_trials(planned, config, DATA, folder, session, logs, workers, heard, folder.labels)
    records, problems = folder.records()
    assert problems == []
    return records


def test_every_trial_leaves_a_record_whether_its_plugin_can_start_or_not(
    plugin_file, folder, logs, workers, heard
):
    plugins = [
        from_file(plugin_file("broken", "def f(:\n")),
        from_file(plugin_file("raises", "print('before')\nraise ValueError('no')")),
        from_file(plugin_file("crash", base="declared")),
    ]
    config = config_of(seeds=(0, 1))
    described = describe(plugins, workers, 2, 1, logs)
    planned = [replace(p, name=p.plugin.name) for p in plan(config, plugins, described, "cpu")]
    records = carry_out(planned, config, folder, logs, workers, heard, session=3)
    assert sorted(record.key for record in records) == sorted(p.trial.key for p in planned)
    assert heard.records == records
    assert sorted(heard.labels) == [
        f"{name} seed={seed}" for name in ("broken", "crash", "raises") for seed in (0, 1)
    ]
    by_name = {record.row.plugin: record for record in records}
    assert by_name["broken"].status == "failed"
    assert by_name["broken"].reason.startswith("import: line ")
    assert by_name["broken"].log == ""
    # What could not be described has the log of that, for each of its trials.
    assert (by_name["raises"].status, by_name["raises"].reason) == (
        "failed", "import: ValueError: no (raises.py:3)",
    )  # fmt: skip
    text = (folder.path / by_name["raises"].log).read_text()
    assert text.startswith("before\n")
    assert "ValueError: no" in text
    # The stand-in of torch can do nothing: the trial fails, and its log says why.
    assert by_name["crash"].status == "failed"
    assert "Error" in (folder.path / by_name["crash"].log).read_text()
    assert {(record.jobs, record.session) for record in records} == {(2, 3)}
    assert all(record.started for record in records)


def test_a_preset_that_is_not_offered_is_skipped_with_the_reason(
    plugin_file, make_plugin, folder, logs, workers
):
    plugins = [from_file(plugin_file("mine", base="declared"))]
    config = config_of(preset="best")
    presets = describe(plugins, workers, 1, 1, logs)
    # Another plugin offers it, or nobody: then it is a mistake.
    other = Presets({}, {"best": {"*": {}}})
    described = {**presets, "other": other}
    found = plan(config, [*plugins, make_plugin("other")], described, "cpu")
    refused = [p for p in found if p.plugin.name == "mine"]
    (record,) = carry_out(refused, config, folder, logs, workers)
    assert record.status == "skipped"
    assert record.reason == "no preset 'best' for task 'digits'; there is quick"


def planned_of(plugin, make_row, seed=0, **changes):
    trial = Trial(row=make_row(plugin=plugin.name), seed=seed)
    return Planned(trial, plugin, name=plugin.name, **changes)


STAGES = ("import", "build", "train", "train epoch 2", "evaluate test", "save")


@pytest.fixture
def staged():
    """Workers that go through `stages`, leave a state where `state` says so, and answer."""

    def make(answer=TRAINED, stages=STAGES, state=True, reloaded=RELOADED):
        class Staged:
            def start(self, log, threads, framework, **_where):
                return nullcontext(self)

            def ask(self, request, timeout, progress=lambda now: None):
                if request.type == "reload":
                    return reloaded
                for stage in stages:
                    progress(Progress(stage=stage))
                if state:
                    Path(request.state).touch()
                return answer

        return Staged()

    return make


def test_the_stages_of_a_trial_are_timed_by_the_coordinator(
    make_plugin, make_row, folder, logs, heard, staged
):
    planned = [planned_of(make_plugin("p"), make_row)]
    (record,) = carry_out(planned, config_of(), folder, logs, staged(), heard)
    assert list(record.stages) == [
        "start", "import", "build", "train", "evaluate", "save", "score", "reload",
    ]  # fmt: skip
    assert record.seconds == pytest.approx(sum(record.stages.values()), abs=0.01)
    assert record.metrics == {"validation_accuracy": 0.5}
    assert [stage for _, stage in heard.progressed] == [
        "start", "import", "build", "train", "train epoch 2", "evaluate test", "save",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("stages", "state", "reason"),
    [
        ((), True, "the worker answered 'trained' and never was in stage 'build'"),
        (STAGES[:4], True, "the worker answered 'trained' and never was in stage 'evaluate'"),
        (STAGES, False, "the worker answered 'trained' and left no state"),
    ],
)
def test_who_says_trained_without_a_trace_of_it_is_not_believed(
    make_plugin, make_row, folder, logs, staged, stages, state, reason
):
    planned = [planned_of(make_plugin("p"), make_row)]
    workers = staged(stages=stages, state=state)
    (record,) = carry_out(planned, config_of(), folder, logs, workers)
    assert (record.status, record.reason, record.metrics) == ("invalid", reason, {})


def test_what_is_known_of_a_network_and_of_its_reload_is_in_the_record(
    make_plugin, make_row, folder, logs, staged
):
    answer = TRAINED.model_copy(update={"facts": {"silent_layers": ["hidden"]}})
    reloaded = Measured(metrics={}, facts={"reload": "same", "random_answers": 0.25})
    planned = [planned_of(make_plugin("p"), make_row)]
    (record,) = carry_out(planned, config_of(), folder, logs, staged(answer, reloaded=reloaded))
    assert record.facts == {"silent_layers": ["hidden"], "reload": "same", "random_answers": 0.25}


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (Failed(status="invalid", reason="answers otherwise"), "invalid", "answers otherwise"),
        (Failed(status="oom", reason="too large", where="reload"), "oom", "reload: too large"),
        (TRAINED, "crashed", "the worker answered 'trained'"),
    ],
)
def test_a_network_that_is_another_one_when_it_is_loaded_again_has_no_figures(
    make_plugin, make_row, folder, logs, staged, event, status, reason
):
    planned = [planned_of(make_plugin("p"), make_row)]
    (record,) = carry_out(planned, config_of(), folder, logs, staged(reloaded=event))
    assert (record.status, record.reason, record.metrics) == (status, reason, {})


@pytest.mark.parametrize("fails", [False, True])
def test_what_the_source_reports_stands_beside_what_was_reached(
    make_plugin, make_row, folder, logs, staged, fails
):
    answer = Failed(status="oom", reason="too large") if fails else TRAINED
    source = Cited(title="t", authors="a", year=2020, where="table 1", accuracy=0.75)
    planned = [planned_of(make_plugin("p"), make_row, source=source)]
    (record,) = carry_out(planned, config_of(), folder, logs, staged(answer))
    assert record.metrics.get("reported_accuracy") == (None if fails else 0.75)
    assert record.source == source


@pytest.mark.parametrize(("fail_fast", "kept"), [(False, 3), (True, 2)])
def test_the_first_failure_may_end_a_run(
    make_plugin, make_row, folder, logs, staged, heard, fail_fast, kept
):
    """Skipped is not failed."""

    class Stoppable:
        stopped = False

        def stop(self):
            self.stopped = True

    refused = [Failed(status=status, reason="r") for status in ("skipped", "invalid", "oom")]
    planned = [
        planned_of(make_plugin(f"p{seed}"), make_row, seed=seed, refused=reason)
        for seed, reason in enumerate(refused)
    ]
    workers = Stoppable()
    config = config_of(jobs=1, fail_fast=fail_fast)
    finished = run_trials(planned, config, DATA, folder, 0, logs, workers, heard, folder.labels)
    assert finished is not fail_fast
    assert workers.stopped is fail_fast
    statuses = [record.status for record in folder.records()[0]]
    assert statuses == ["skipped", "invalid", "oom"][:kept]
    assert heard.messages == ["stopped at the first failure (--fail-fast)"] * fail_fast


def test_the_time_of_a_stage_that_comes_back_is_added_up():
    stages = Stages()
    for stage in ("a", "b", "a", "end"):
        stages.enter(stage)
    assert list(stages.seconds) == ["start", "a", "b"]


# --- what goes wrong while others go on -----------------------------------------------------------

KILLS_ITS_STARTER = """
import os, signal
if os.path.exists({path!r}):
    os.kill(os.getppid(), signal.SIGKILL)
    import time; time.sleep(600)
"""


@linux
def test_trials_whose_starter_dies_say_why_and_the_others_go_on(
    plugin_file, folder, logs, fake_torch, distribution, monkeypatch, tmp_path, processes
):
    site = distribution("f", preload={"frail": "frail_module"}, modules={"frail_module": ""})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))
    block = '# /// script\n# [tool.harness]\n# framework = "{}"\n# ///\n'
    go = tmp_path / "go"
    text = block.format("frail") + KILLS_ITS_STARTER.format(path=str(go))
    bad = from_file(plugin_file("bad", text, base="declared"))
    good = from_file(plugin_file("good", block.format("fine"), base="declared"))
    config = config_of(seeds=(0, 1), jobs=1)
    with Workers(fork=True) as workers:
        described = describe([bad, good], workers, 1, 1, logs)
        planned = plan(config, [bad, good], described, "cpu")
        go.touch()
        records = carry_out(planned, config, folder, logs, workers)
    found = {(r.row.plugin, r.seed): (r.status, r.reason) for r in records}
    for seed in (0, 1):  # the second one kills the starter that took the first one's place
        assert found["bad", seed][0] == "crashed"
        assert "was killed by SIGKILL" in found["bad", seed][1]
    assert {found["good", seed][0] for seed in (0, 1)} == {"failed"}  # by the stand-in of torch
    assert processes() == []


def test_no_process_of_a_trial_is_left(plugin_file, folder, logs, workers):
    plugin = from_file(plugin_file("mine", base="declared"))
    config = config_of()
    planned = plan(config, [plugin], describe([plugin], workers, 1, 1, logs), "cpu")
    carry_out(planned, config, folder, logs, workers)
    below = psutil.Process().children(recursive=True)
    commands = [" ".join(process.cmdline()) for process in below]
    assert not any(command.endswith("harness.worker") for command in commands)
