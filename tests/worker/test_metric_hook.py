"""Metrics of a module in a worker: those that are valid, and their values."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from harness.errors import InvalidOutput, UsageError
from harness.protocol.requests import ComputeMetric
from harness.subjects import PluginLocation

pytest.importorskip("torch")

from harness.worker.metric_hook import MetricHook

SOURCE = """
from harness.plugin import MetricSpec, hookimpl

def right(evidence):
    return (evidence.predictions == evidence.labels).mean() * evidence.metrics["weight"]

@hookimpl
def harness_metrics():
    return [
        MetricSpec("share", "Share", "fraction", "more", "what it means", right),
        MetricSpec("odd", "Odd", "fraction", "", "what it means", right),
        MetricSpec("share", "Again", "fraction", "more", "what it means", right),
    ]
"""


@pytest.fixture
def place(tmp_path):
    def write(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        return PluginLocation("mine", file=str(path))

    return write


def test_valid_metrics_are_described_and_others_cost_themselves(place):
    found = MetricHook(place(SOURCE)).described()
    assert [metric.title for metric in found.metrics] == ["Share"]
    assert found.metrics[0].source == "mine"
    assert found.problems == [
        "metric odd: its better: wanted 'more' or 'less', not ''",
        "metric share is declared twice",
    ]


def test_a_metric_is_computed_from_what_lies_in_the_files(place, tmp_path):
    labels = np.array([0, 1, 1, 0])
    save_file({"test_targets": labels}, tmp_path / "labels")
    arrays = {"predicted": np.zeros(4, int), "scores": np.zeros((4, 2), np.float32)}
    save_file(arrays, tmp_path / "evidence")
    where = place(SOURCE)
    request = ComputeMetric(
        place=where,
        name="share",
        evidence=str(tmp_path / "evidence"),
        labels=str(tmp_path / "labels"),
        classes=2,
        metrics={"weight": 0.5},
    )
    assert MetricHook(where).compute(request).value == 0.25


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("", UsageError, "does not implement harness_metrics"),
        (
            SOURCE.replace("    return [", "    [", 1),
            InvalidOutput,
            "returned nothing, wanted a list",
        ),
    ],
)
def test_a_module_without_metrics_is_refused(place, text, error, told):
    with pytest.raises(error, match=told):
        MetricHook(place(text))
