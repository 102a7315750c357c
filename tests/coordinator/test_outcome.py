"""From a worker's answer to a record."""

from __future__ import annotations

from harness.coordinator.outcome import NOT_FINITE, recorded, trained
from harness.protocol.events import Failed, Opened, Trained
from harness.results.record import TrialRecord


def test_a_trial_that_came_to_nothing_has_a_status_and_a_reason():
    died = Failed(status="timeout", reason="R", where="train")
    assert trained(died) == {"status": "timeout", "reason": "train: R"}
    wrong = Opened(first_call_ms=1, batches={})
    assert trained(wrong) == {"status": "crashed", "reason": "the worker answered 'opened'"}


def test_a_result_keeps_what_was_measured_and_nothing_else():
    event = Trained(
        versions={"torch": "2"},
        metrics={"test_accuracy": 0.0, "reported_accuracy": 1.0, "synops_ac": float("nan"), "x": None},
        scalars={"test_accuracy": 1.0},
        absent={"energy": "no counter"},
        layers=[{"name": "l"}], history=[{"loss": 1.0}], raster={"input": [[1]]},
    )  # fmt: skip
    fields = trained(event)
    assert fields["status"] == "ok"
    assert fields["metrics"] == {"test_accuracy": 0.0}
    assert fields["scalars"] == {"test_accuracy": 1.0}  # the plugin's own, apart
    assert fields["absent"] == {"energy": "no counter", "synops_ac": NOT_FINITE, "x": NOT_FINITE}
    assert (fields["layers"], fields["history"]) == ([{"name": "l"}], [{"loss": 1.0}])
    assert (fields["versions"], fields["raster"]) == ({"torch": "2"}, {"input": [[1]]})


def test_a_result_that_cannot_be_is_invalid_with_the_reason_and_never_an_error(make_row):
    identity = {"row": make_row(), "seed": 0}
    fields = {"status": "ok", "metrics": {"train_seconds": -1.0}, "log": "logs/a.log"}
    refused = recorded(TrialRecord, fields, **identity)
    assert (refused.status, refused.log, refused.metrics) == ("invalid", "logs/a.log", {})
    assert refused.reason == (
        "the worker answered what cannot be: metrics: train_seconds: -1.0 is not finite and at least 0"
    )
    fine = recorded(TrialRecord, {"status": "ok", "metrics": {"train_seconds": 1.0}}, **identity)
    assert (fine.status, fine.metrics) == ("ok", {"train_seconds": 1.0})
