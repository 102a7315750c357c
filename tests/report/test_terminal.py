from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.report.terminal import terminal_table

from .synthetic_run import HOSTILE, crowded_records, fit_records, record, run_records


def printed(records, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(terminal_table(records, width))
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


def test_hostile_names_are_text():
    text = printed([record("trial", HOSTILE, "native", metrics={"test_accuracy": 0.5})], 200)
    assert "[red]" in text.replace("\n", "")
    assert "\x1b" not in text


def test_no_records_make_an_empty_table():
    assert "Row" in printed([], 80)


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
    assert "skipped" in printed([record("trial", "a", "native", 0, "skipped", "why")], 80)
