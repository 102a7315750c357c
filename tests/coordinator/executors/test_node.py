from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.catalogue.digest import host_digest
from harness.catalogue.plugins import discover, from_file
from harness.coordinator.executors import node
from harness.coordinator.executors.node import carry_out, mismatch
from harness.coordinator.executors.order import Evidence, Order
from harness.subjects import Trial


@pytest.fixture
def installed(distribution, monkeypatch):
    distribution(
        "cluster-test", {"contender": "contender_module"}, modules={"contender_module": ""}
    )
    found = {plugin.name: plugin for plugin in discover()}
    monkeypatch.setattr(node, "_installed", lambda: list(found.values()))
    return found["contender"]


def test_the_same_code_is_no_mismatch(installed):
    assert mismatch(host_digest(), installed) == ""


@pytest.mark.parametrize(
    ("host", "changes", "reason"),
    [
        ("other", {}, "it has another version of snn-harness"),
        ("", {"name": "absent"}, "it lacks plugin absent"),
        ("", {"digest": "other"}, "it has another version of plugin contender"),
        ("", {"framework_version": "9.9", "framework": "f"}, "it has f 1.0, not 9.9"),
    ],
)
def test_a_node_with_other_code_says_what_differs_and_how_to_mend_it(
    installed, host, changes, reason
):
    told = mismatch(host or host_digest(), replace(installed, **changes))
    assert told == f"{reason}: install the same on every node"


def test_a_plugin_that_is_not_ready_on_the_node_says_why(installed, monkeypatch):
    here = replace(installed, status="missing", reason="needs norse")
    monkeypatch.setattr(node, "_installed", lambda: [here])
    assert mismatch(host_digest(), installed) == "its plugin contender is missing: needs norse"


@pytest.fixture
def order(plugin_file, make_row):
    path = plugin_file("mine", base="declared")
    plugin = from_file(path)
    return Order(
        plugin=plugin,
        trial=Trial(row=make_row(plugin="mine"), seed=0),
        host=host_digest(),
        task="digits",
        data=(),
        arrays="",
        source=path.read_bytes(),
    )


def carried_out(order, told=None):
    tell = (lambda progress: None) if told is None else told.append
    return carry_out(order, "tcp://node:1", tell, lambda: True)


def test_a_node_of_another_version_runs_nothing(order):
    found = carried_out(replace(order, host="other"))
    assert found.outcome is None
    assert "another version of snn-harness" in found.refused


def test_a_node_with_other_data_runs_nothing(order, monkeypatch):
    monkeypatch.setattr(node, "_data", lambda *_: ("path", "other digest"))
    found = carried_out(replace(order, arrays="digest"))
    assert (found.outcome, found.refused) == (None, "its data of task digits are other data")


def test_a_node_with_other_metrics_runs_nothing(order):
    other = Evidence(digests={"their_metrics": "digest"})
    found = carried_out(replace(order, evidence=other))
    assert found.outcome is None
    assert found.refused.startswith("it has another version of the metrics of their_metrics")


@pytest.mark.usefixtures("fake_torch")
@pytest.mark.parametrize("moved", [False, True])
def test_a_plugin_in_a_file_comes_along_and_what_the_worker_printed_goes_back(
    order, monkeypatch, moved
):
    """The stand-in of torch can do nothing: the trial fails, in a worker as anywhere."""
    monkeypatch.setattr(node, "_data", lambda *_: ("path", ""))
    if moved:
        Path(order.plugin.location.file).unlink()
    told = []
    found = carried_out(order, told)
    assert (found.refused, found.outcome.event.status) == ("", "failed")
    assert told[0].stage == "start"
    assert found.outcome.node["cores"] >= 1
    json.dumps(found.outcome.node)
    log = found.files["log"]
    assert b"Error" in log.content
    assert log.digest == hashlib.sha256(log.content).hexdigest()
    assert found.files["state"] is None


def test_a_full_disk_on_the_node_is_a_failure_that_can_be_tried_again(order, monkeypatch):
    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(node, "_data", full)
    event = carried_out(order).outcome.event
    assert event.status == "crashed"
    assert "No space left on device; mend it, then --retry failed" in event.reason


@pytest.mark.usefixtures("fake_torch")
def test_a_trial_that_nobody_waits_for_is_ended_although_its_plugin_hangs(
    plugin_file, order, monkeypatch
):
    monkeypatch.setattr(node, "_data", lambda *_: ("path", ""))
    path = plugin_file("hangs", "import time; time.sleep(3600)", base="declared")
    order = replace(order, plugin=from_file(path), source=path.read_bytes())
    event = carry_out(order, "tcp://node:1", lambda progress: None, lambda: False).outcome.event
    assert (event.status, event.reason) == ("crashed", "nobody waits for it any more")
