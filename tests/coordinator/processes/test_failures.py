"""What an answer means that is none."""

from __future__ import annotations

import pytest

from harness.catalogue.plugins import Plugin
from harness.coordinator.processes.failures import failed, not_ready, unexpected
from harness.protocol.events import Failed, Opened
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
    assert failed(event) == {"status": status, "reason": reason}


def test_an_answer_of_the_wrong_type_is_a_crash():
    event = unexpected(Opened(first_call_ms=1, batches={}))
    assert event == Failed(status="crashed", reason="the worker answered 'opened'")


def test_a_missing_plugin_is_skipped_with_the_mend_and_a_broken_one_has_failed():
    source = PluginLocation("p")
    missing = Plugin("p", source, "f", status="missing", reason="x is missing", install="get x")
    assert not_ready(missing) == Failed(status="skipped", reason="x is missing; get x")
    broken = Plugin("p", source, "f", status="broken", reason="line 1")
    assert failed(not_ready(broken)) == {"status": "failed", "reason": "import: line 1"}
