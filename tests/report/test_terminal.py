from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.metrics.checks import declared
from harness.plugin import MetricSpec
from harness.report.terminal import terminal_tables
from harness.results.metrics import join
from harness.results.record import TrialRecord

from .synthetic_run import (
    HOSTILE,
    crowded_records,
    description,
    fit_records,
    layers_description,
    layers_records,
    record,
    run_records,
)


def printed(records, width, of=None):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for table in terminal_tables(of or description(), records, width):
        console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_fits_the_terminal(width):
    lines = printed(run_records(), width).splitlines()
    assert max(map(len, lines)) <= width
    assert "Test accuracy" in lines[0]
    assert "…" not in "".join(lines)


def test_a_wider_terminal_shows_more():
    narrow, wide = (printed(run_records(), width) for width in (80, 200))
    assert "98.1 % [97.9, 98.3]" in narrow
    assert "Training time" in wide
    assert "Training time" not in narrow


def test_a_metric_of_ones_own_comes_before_those_of_the_host_that_do_not_fit():
    spec = MetricSpec("mine", "Own metric", "number", "less", "x", lambda evidence: 2.0)
    join([declared(spec, "mine.py")])
    records = [
        each.model_copy(update={"metrics": each.metrics | {"mine": 2.0}})
        if isinstance(each, TrialRecord) and each.status == "ok"
        else each
        for each in run_records()
    ]
    narrow, wide = (printed(records, width).splitlines()[0] for width in (80, 200))
    assert "Own metric" in narrow
    assert wide.index("Test accuracy") < wide.index("Own metric") < wide.index("Latency")


def test_hostile_names_are_text():
    text = printed([record(HOSTILE, metrics={"test_accuracy": 0.5})], 200)
    assert "[red]" in text.replace("\n", "")
    assert "\x1b" not in text


def test_no_records_make_an_empty_table():
    assert "Row" in printed([], 80)
    assert printed([], 80, layers_description()) == ""


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_spike_trains_are_headed_by_their_loss(width):
    lines = printed(fit_records(), width).splitlines()
    assert "Van Rossum loss" in lines[0]
    assert max(map(len, lines)) <= width
    wide = printed(fit_records(), 200)
    for words in ("Spikes on time", "100 %", "Extra spikes", "Seeds"):
        assert words in wide


def test_decision_steps_follow_the_latency():
    header = printed(run_records(), 200).splitlines()[0]
    assert header.index("Latency") < header.index("Decision step") < header.index("Sparsity")


@pytest.mark.parametrize("width", [80, 120])
def test_many_long_rows_fit(width):
    assert max(map(len, printed(crowded_records(), width).splitlines())) <= width


def test_rows_without_results_have_their_seeds():
    assert "skipped" in printed([record("a", 0, "skipped", "why")], 80)


@pytest.mark.parametrize("width", [80, 120])
def test_layers_have_a_table_of_proofs_and_one_for_each_density(width):
    text = printed(layers_records(), width, layers_description())
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    titles = ("The same neuron?", "Speed: dense inputs", "Speed: spikes as inputs, 10 %")
    assert all(title in text for title in titles)
    for words in (
        "refused",
        "the baseline",
        "2.4 times, slower",
        "1.05 times, a tie",
        "snntorch 8192",
    ):
        assert words in text, words


def test_a_refuted_row_is_marked_and_stands_last():
    facts = {"reload": "9 answers differ"}
    records = [
        record(plugin, metrics={"test_accuracy": accuracy}, facts=own)
        for plugin, accuracy, own in (("a", 0.5, {}), ("b", 0.6, {}), ("c", 1.0, facts))
    ]
    lines = printed(records, 80).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["b", "a", "c"]
    assert "c (refuted)" in lines[-1]
