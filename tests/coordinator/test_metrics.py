"""Metrics by hook: which are chosen, and that each costs nobody but itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")  # a process that computes metrics has it
from safetensors.numpy import save_file

from harness.catalogue.metrics import discover_metrics, metrics_file
from harness.coordinator.metric_worker import MetricWorker
from harness.coordinator.metrics import choose, known_metrics
from harness.coordinator.own_metrics import OwnMetrics
from harness.coordinator.processes.pool import Workers
from harness.errors import UsageError
from harness.metrics.evidence import changed_name
from harness.metrics.robustness import CHANGES

LABELS = np.arange(20) % 4
CHEAP = ["calibration_error", "lowest_class_accuracy", "class_accuracy"]
SOURCE = """
import os, time
from harness.plugin import Change, MetricSpec, hookimpl

def value(evidence):
    return 0.25

def wrong(evidence):
    return "text"

def die(evidence):
    os._exit(3)

def metric(name, compute, **more):
    return MetricSpec(name, name.title(), "fraction", "more", "what it means", compute, **more)

@hookimpl
def harness_metrics():
    return [metric("mine", value), metric("wrong", wrong), metric("die", die), metric("last", value)]
"""


@pytest.fixture(scope="module")
def workers():
    with Workers() as started:
        yield started


@pytest.fixture
def metric_file(tmp_path):
    def write(text=SOURCE, name="mine"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return str(path)

    return write


def names(chosen):
    return [metric.declared.name for metric in chosen]


def test_what_costs_nothing_is_computed_and_what_costs_time_is_asked_for(workers):
    assert names(choose((), workers, pytest.fail)) == CHEAP
    robust = [f"robustness_{change.name}" for change in CHANGES]
    assert names(choose(("robustness",), workers, pytest.fail)) == CHEAP + robust
    assert names(choose(("*_gaussian",), workers, pytest.fail)) == [*CHEAP, "robustness_gaussian"]
    assert names(choose(("all",), workers, pytest.fail)) == CHEAP + robust
    assert names(choose(("none",), workers, pytest.fail)) == []


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (("robustnes",), "unknown metric 'robustnes': did you mean 'robustness'?"),
        (("none", "robustness"), "--metrics none stands alone"),
        (("nowhere.py",), "metric file nowhere.py: No such file or directory"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(patterns, told, workers):
    with pytest.raises(UsageError) as error:
        choose(patterns, workers, pytest.fail)
    assert str(error.value).startswith(told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"mine"', '"test_accuracy"', "metric test_accuracy: snn-harness has one of this name"),
        ('"mine"', '"calibration_error"', "metric calibration_error: calibration has one of this"),
        ('"more"', '""', "metric mine: its better: wanted 'more' or 'less', not ''"),
        ("import os", "1 / 0", "import: ZeroDivisionError: division by zero"),
        ("@hookimpl", "", "does not implement harness_metrics"),
    ],
)
def test_a_file_that_declares_a_metric_wrongly_is_refused_in_one_line(
    old, new, told, workers, metric_file
):
    with pytest.raises(UsageError) as error:
        choose((metric_file(SOURCE.replace(old, new)),), workers, pytest.fail)
    assert str(error.value).startswith("--metrics mine: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_an_installed_module_that_is_wrong_costs_itself(workers, distribution):
    distribution("theirs", metrics={"theirs": "nowhere"})
    heard = []
    assert names(choose((), workers, heard.append)) == CHEAP
    assert heard == ["metrics of theirs are left out: broken: there is no module nowhere"]


def test_two_changes_of_one_name_would_be_one_curve(workers, metric_file):
    text = SOURCE.replace(
        'metric("last", value)',
        'metric("last", value, changes=(Change("gaussian", "x", (1.0,), print),))',
    )
    known = known_metrics([*discover_metrics(), metrics_file(Path(metric_file(text)))], workers)
    assert known.problems == {
        "mine": ["metric last: robustness has a change gaussian: choose another name for it"]
    }


@pytest.fixture
def computed(workers, tmp_path, metric_file):
    """The fields of a record after the metrics that `patterns` choose."""
    save_file({"test_targets": LABELS}, tmp_path / "labels")

    def compute(*patterns, unchanged=None, chosen=None, **arrays):
        chosen = choose(patterns, workers, pytest.fail) if chosen is None else chosen
        with MetricWorker(workers, tmp_path / "log") as worker:
            own = OwnMetrics(chosen, worker, tmp_path / "labels", 4, tmp_path)
            asked = own.asked("key")
            scores = np.eye(4, dtype=np.float32)[LABELS] * 9
            every = {"predicted": LABELS, "scores": scores} | arrays
            if asked:
                save_file(every, asked["evidence"])
            fields = {"status": "ok", "metrics": {"test_accuracy": 1.0}, "absent": {}}
            found = own.add(fields, "key", unchanged or {})
        assert not list(tmp_path.glob("*.evidence.*"))
        return asked, found

    return compute


def test_the_hosts_own_need_no_other_process(computed, tmp_path):
    asked, found = computed()
    assert asked["changed"] == ()
    assert found["metrics"]["test_accuracy"] == found["metrics"]["lowest_class_accuracy"] == 1
    assert found["metrics"]["class_accuracy"] == {str(n): 1.0 for n in range(4)}
    assert 0 < found["metrics"]["calibration_error"] < 0.01
    assert not (tmp_path / "log").exists()
    assert computed("none") == (
        {},
        {"status": "ok", "metrics": {"test_accuracy": 1.0}, "absent": {}},
    )


def test_a_metric_that_fails_costs_itself_even_where_it_ends_the_process(computed, metric_file):
    _, found = computed(metric_file())
    assert found["metrics"]["mine"] == found["metrics"]["last"] == 0.25
    assert found["absent"]["wrong"] == "it came out as 'text', wanted a number"
    assert "the process ended with exit code 3" in found["absent"]["die"]


def test_the_curve_is_kept_and_its_area_is_the_metric(computed):
    (gaussian, *_others) = CHANGES
    half = np.where(np.arange(20) < 10, LABELS, (LABELS + 1) % 4)
    arrays = {changed_name("gaussian", strength): half for strength in gaussian.strengths}
    asked, found = computed("robustness_gaussian", **arrays)
    assert [place.name for place in asked["changed"]] == ["robustness_gaussian"]
    curve = found["facts"]["accuracy_under"]["gaussian"]
    assert curve == {"0": 1.0, "0.1": 0.5, "0.2": 0.5, "0.3": 0.5, "0.4": 0.5, "0.5": 0.5}
    assert found["metrics"]["robustness_gaussian"] == pytest.approx(0.55)


def test_a_change_that_could_not_be_evaluated_is_the_reason(computed):
    _, found = computed("robustness_gaussian", unchanged={"gaussian": "too even"})
    assert found["absent"]["robustness_gaussian"] == "too even"
    assert "robustness_gaussian" not in found["metrics"]
    assert found["metrics"]["lowest_class_accuracy"] == 1
    assert found["facts"] == {}


def test_a_worker_that_left_nothing_usable_costs_the_metrics_not_the_trial(computed):
    _, found = computed(scores=np.zeros((3, 4), np.float32))
    assert found["status"] == "ok"
    assert set(found["absent"]) == set(CHEAP)
    assert "holds no scores of 20 samples and 4 classes" in found["absent"]["calibration_error"]


def test_a_trial_that_failed_has_no_metrics(workers, tmp_path):
    own = OwnMetrics(choose((), workers, print), MetricWorker(workers), tmp_path, 4, tmp_path)
    failed = {"status": "oom", "reason": "too large"}
    assert own.add(failed, "key", {}) == failed
