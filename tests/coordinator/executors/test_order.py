"""What metrics by hook need of a trial, on its way to a node."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from harness.coordinator.executors.order import Evidence
from harness.protocol.requests import MetricPlace
from harness.subjects import PluginLocation


def place(name, **where):
    return MetricPlace(place=PluginLocation(name, **where), name=name)


def test_nothing_is_asked_for_where_no_metric_is_chosen():
    assert Evidence.of({}) is None


def test_files_of_metrics_come_along_and_others_have_to_be_there(tmp_path, distribution):
    distribution("their-metrics", {}, modules={"their_metrics": "x = 1"})
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(folder)
    files = [str(tmp_path / folder / "mine.py") for folder in ("a", "b")]
    changed = (
        *(place(f"m{number}", file=file) for number, file in enumerate(files)),
        place("theirs", module="their_metrics"),
        place("robustness", module="harness.metrics.robustness"),
    )
    sent = Evidence.of({"evidence": "here", "changed": changed})
    arrived = pickle.loads(pickle.dumps(sent))
    assert list(arrived.digests) == ["their_metrics"]
    assert arrived.mismatch() == ""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    asked = arrived.asked(scratch)
    assert Path(asked["evidence"]).parent == scratch
    first, second, *others = asked["changed"]
    assert [Path(each.place.file).read_text() for each in (first, second)] == ["a", "b"]
    assert first.place.file.startswith(str(scratch))
    assert tuple(others) == changed[2:]


@pytest.mark.parametrize("digest", ["", "other"])
def test_a_node_without_the_same_package_of_metrics_says_so(digest):
    told = Evidence(digests={"absent_metrics": f"{digest}digest"}).mismatch()
    assert told == (
        "it has another version of the metrics of absent_metrics: install the same on every node"
    )
