"""What a worker's answer means for the record."""

from __future__ import annotations

import pytest

from harness.catalogue.plugins import Plugin
from harness.coordinator.outcome import (
    NOT_FINITE,
    failed,
    not_ready,
    recorded,
    trained,
    unexpected,
)
from harness.protocol.events import Failed, Opened, Trained
from harness.results.record import TrialRecord
from harness.subjects import PluginLocation


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (Failed(status="failed", reason="R", where="import"), "failed", "import: R"),
        (Failed(status="timeout", reason="R", where="train"), "timeout", "train: R"),
        (Failed(status="failed", reason="R"), "failed", "R"),
        # What the plugin says of itself, and what already names its hook, stands alone.
        (Failed(status="skipped", reason="R", where="import"), "skipped", "R"),
        (Failed(status="invalid", reason="harness_x: R", where="train"), "invalid", "harness_x: R"),
        (Opened(first_call_ms=1, batches={}), "crashed", "the worker answered 'opened'"),
    ],
)
def test_what_is_no_result_has_a_status_and_a_reason(event, status, reason):
    assert trained(event) == {"status": status, "reason": reason}
    if isinstance(event, Failed):
        assert failed(event) == {"status": status, "reason": reason}
    else:
        assert failed(unexpected(event)) == {"status": status, "reason": reason}


def test_a_result_keeps_what_was_measured_and_nothing_else():
    event = Trained(
        versions={"torch": "2"},
        metrics={"test_accuracy": 0.0, "reported_accuracy": 1.0, "synops_ac": float("nan"), "x": None},
        scalars={"test_accuracy": 1.0},
        absent={"energy": "no counter"},
        layers=[{"name": "l"}], history=[{"loss": 1.0}], raster={"input": [[1]]},
    )  # fmt: skip
    found = trained(event)
    assert found["status"] == "ok"
    assert found["metrics"] == {"test_accuracy": 0.0}
    assert found["scalars"] == {"test_accuracy": 1.0}  # the plugin's own, apart
    assert found["absent"] == {"energy": "no counter", "synops_ac": NOT_FINITE, "x": NOT_FINITE}
    assert (found["layers"], found["history"]) == ([{"name": "l"}], [{"loss": 1.0}])
    assert (found["versions"], found["raster"]) == ({"torch": "2"}, {"input": [[1]]})


def test_a_missing_plugin_is_skipped_with_the_mend_and_a_broken_one_has_failed():
    source = PluginLocation("p")
    missing = Plugin("p", source, "f", status="missing", reason="x is missing", install="get x")
    assert not_ready(missing) == Failed(status="skipped", reason="x is missing; get x")
    broken = Plugin("p", source, "f", status="broken", reason="line 1")
    assert failed(not_ready(broken)) == {"status": "failed", "reason": "import: line 1"}


def test_a_result_that_cannot_be_is_invalid_with_the_reason_and_never_an_error(make_row):
    identity = {"row": make_row(), "seed": 0}
    fields = {"status": "ok", "metrics": {"train_seconds": -1.0}, "log": "logs/a.log"}
    found = recorded(TrialRecord, fields, **identity)
    assert (found.status, found.log, found.metrics) == ("invalid", "logs/a.log", {})
    assert found.reason == (
        "the worker answered what cannot be: metrics: train_seconds: -1.0 is not finite and at least 0"
    )
    fine = recorded(TrialRecord, {"status": "ok", "metrics": {"train_seconds": 1.0}}, **identity)
    assert (fine.status, fine.metrics) == ("ok", {"train_seconds": 1.0})
