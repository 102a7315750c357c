from __future__ import annotations

import dataclasses

import pytest

from harness.errors import UsageError
from harness.results.change import Change
from harness.results.gate import Gate, failures, idle, parse_gate, parse_margin, unjudged
from harness.results.regression import Comparison, Lost, Missing


def comparison(verdict="worse", difference=-0.02, lost=(), metric="test_accuracy"):
    change = Change("row", metric, 0.9, 0.9 + difference, difference, verdict=verdict)
    return Comparison("old", "new", [change], lost)


@pytest.mark.parametrize(
    ("gate", "margin", "fails"),
    [
        ("test_accuracy:worse", 0.0, True),
        ("test_accuracy:worse", 0.02, True),
        ("test_accuracy:worse", 0.021, False),
        ("any:worse", 0.0, True),
        ("test_accuracy:better", 0.0, False),
        ("latency_ms:worse", 0.0, False),
    ],
)
def test_a_verdict_beyond_the_margin_fails(gate, margin, fails):
    found = failures(comparison(), [parse_gate(gate)], margin)
    assert found == (["row: test_accuracy is worse (-2.00 points)"] if fails else [])


def test_a_tie_passes_however_large():
    assert not failures(comparison("tie", -0.5), [Gate("any", "worse")])


def test_a_row_that_no_longer_succeeds_fails():
    lost = [Lost("row", "seed 0: failed: it broke")]
    assert failures(comparison("tie", lost=lost), [Gate("test_accuracy", "worse")]) == [
        "row: seed 0: failed: it broke"
    ]
    assert not failures(comparison("tie", lost=lost), [Gate("test_accuracy", "better")])


def test_a_row_that_is_gone_fails_and_one_that_is_new_is_only_told():
    rows = {"only_old": ["a n=1", "never"], "only_new": ["a n=2"], "gone": ["a n=1"]}
    found = dataclasses.replace(comparison("tie"), **rows)
    worse, better = [Gate("test_accuracy", "worse")], [Gate("test_accuracy", "better")]
    assert failures(found, worse) == ["a n=1: only in the old run, so it cannot be judged"]
    assert unjudged(found, worse) == ["never: only in the old run", "a n=2: only in the new run"]
    assert not failures(found, better)
    assert unjudged(found, better)[0] == "a n=1: only in the old run"
    assert not failures(found, []) and not unjudged(found, [])


def test_a_comparison_of_nothing_is_told_from_one_that_passes():
    accuracy, latency = Gate("test_accuracy", "worse"), Gate("latency_ms", "worse")
    assert not idle(comparison("tie"), [accuracy])
    assert idle(comparison("tie"), [accuracy, latency]) == ["latency_ms"]
    assert idle(comparison("untested"), [Gate("any", "worse")]) == ["any"]


@pytest.mark.parametrize(
    ("gate", "names"),
    [
        ("latency_ms:worse", "latency_ms"),
        ("any:worse", "latency_ms, train_throughput"),
        ("test_accuracy:worse", ""),
        ("latency_ms:better", ""),
    ],
)
def test_a_metric_that_is_gone_fails_where_there_would_be_a_verdict_on_it(gate, names):
    metrics = ["latency_ms", "train_throughput", "peak_memory_bytes"]
    missing = [Missing("row", metrics, "only in the old run")]
    lines = failures(dataclasses.replace(comparison("tie"), missing=missing), [parse_gate(gate)])
    assert lines == [f"row: {names} cannot be judged: only in the old run"] * bool(names)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("test_accuracy", "wanted METRIC:worse"),
        ("test_accuracy:bad", "wanted METRIC:worse"),
        ("test_acuracy:worse", "did you mean 'test_accuracy'?"),
        ("peak_memory_bytes:worse", "has no interval"),
        ("train_seconds:worse", "has no interval"),
    ],
)
def test_a_gate_that_cannot_be_is_one_line(text, reason):
    with pytest.raises(UsageError) as error:
        parse_gate(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "margin"), [("1 %", 0.01), ("0.5%", 0.005), ("0.02", 0.02), ("0", 0)]
)
def test_margins(text, margin):
    assert parse_margin(text) == pytest.approx(margin)


@pytest.mark.parametrize("text", ["", "%", "much", "-1 %", "nan", "120 %", "inf"])
def test_a_margin_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="wanted a share"):
        parse_margin(text)
