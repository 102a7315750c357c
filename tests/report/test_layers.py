"""The report of `harness layers`, from records made up here."""

from __future__ import annotations

import io

import pytest
from harness.report.layers_view import notes, proofs, reasons, speeds
from harness.results.layers import LayerRecord

from harness.report.layers import build_layers_report, terminal_tables

RUN = {"command": "harness layers", "config": {"beta": 0.9}, "environment": {"cores": 2}}


def proof(plugin, beta=0.9, detach=True, **changes):
    fields = {
        "stage": "equivalence", "key": f"{plugin} {beta}", "plugin": plugin, "device": "cpu",
        "threads": 1, "status": "ok", "neuron": {"beta": beta, "detach": detach},
        "metrics": {"equal": True, "spikes_compared": 100, "ties": 7},
    }  # fmt: skip
    return LayerRecord(**fields | changes)


def speed(plugin, neurons=512, density=1.0, total=10.0, spread=1.0, equal=True, **changes):
    def around(median):
        return {"median": median, "low": median - spread, "high": median + spread, "n": 9}

    fields = {
        "stage": "speed", "key": f"{plugin} {neurons}", "plugin": plugin, "neurons": neurons,
        "density": density, "device": "cpu", "threads": 1, "status": "ok",
        "metrics": {
            "equal": equal, "forward_ms": around(total / 2), "backward_ms": around(total / 2),
            "total_ms": around(total), "total_bound_ms": 2.0, "peak_memory_bytes": 2**20,
        },
    }  # fmt: skip
    return LayerRecord(**fields | changes)


REFUSED = {"status": "skipped", "reason": "no leak, no <neuron>", "metrics": {}}
PEAKS = LayerRecord(
    stage="peaks", key="peaks", device="cpu", threads=1, status="ok",
    metrics={"peak_flops": 1e11, "peak_bandwidth": 1e10},
)  # fmt: skip


def test_proofs_are_a_line_for_each_neuron_and_a_column_for_each_framework():
    unequal = {"status": "invalid", "reason": "3 of 100 spikes differ"}
    table = proofs(
        [
            proof("a"),
            proof("a", 1.0, False),
            proof("b", **unequal),
            proof("b", 1.0, False, **REFUSED),
        ]
    )
    assert table.columns == ["Neuron", "a", "b"]
    assert table.rows == [
        ["beta 0.9, reset detached", "equal", "not equal"],
        ["beta 1, reset attached", "equal", "refused"],
    ]


def test_ratios_are_to_the_fastest_equal_layer_and_a_tie_is_called_one():
    (table,) = speeds(
        [
            speed("slow", total=30.0),
            speed("fast", total=10.0),
            speed("near", total=11.5),
            speed("cheat", total=1.0, status="invalid", reason="implies 300 TFLOP/s"),
            speed("other", total=2.0, equal=False),
            speed("none", **REFUSED),
        ]
    )
    ratios = {row[1]: (row[5], row[6]) for row in table.rows}
    assert ratios == {
        "cheat (invalid)": ("\u2013", "\u2013"),
        "other (not equal)": ("\u2013", "\u2013"),
        "fast": ("1.00", "20 %"),
        "near": ("1.15, a tie", "17 %"),
        "slow": ("3.00", "6.7 %"),
        "none": ("\u2013", "\u2013"),
    }
    assert next(row for row in table.rows if row[1] == "none")[2] == "not measured"
    assert next(row for row in table.rows if row[1] == "slow")[4] == "30 [29, 31]"


def test_without_intervals_nothing_is_claimed():
    short = {"total_ms": {"median": 90.0, "n": 2}}
    record = speed("b")
    (table,) = speeds([speed("a"), record.model_copy(update={"metrics": record.metrics | short})])
    assert table.rows[1][5] == "9.00, a tie"


def test_each_density_has_a_table_with_the_sizes_in_turn():
    dense, sparse = speeds([speed("a", n, d) for n in (512, 2048) for d in (1.0, 0.02)])
    assert (dense.title, sparse.title) == ("Dense inputs", "Spikes as inputs, 2 %")
    assert [row[0] for row in sparse.rows] == ["512", "2048"]


def test_reasons_are_told_once():
    records = [proof("b", **REFUSED), proof("b", 1.0, **REFUSED), speed("b", **REFUSED), proof("a")]
    assert reasons(records) == ["b: no leak, no <neuron>"]


def test_notes_tell_how_much_was_compared_and_what_the_device_can_do():
    told = dict(notes([proof("a"), proof("b"), PEAKS], RUN))
    assert "200 spikes were compared, 14 of them" in told["Equal"]
    assert told["Device"].startswith("100 GFLOP/s and 10 GB/s at most")
    assert "Device" not in dict(notes([proof("a")], RUN))


@pytest.fixture
def everything():
    records = [PEAKS, proof("a"), proof("<b>"), proof("c", **REFUSED)]
    for density in (1.0, 0.1):
        for neurons in (512, 2048, 16384):
            records += [speed("a", neurons, density), speed("<b>", neurons, density, total=44.0)]
            records.append(speed("c", neurons, density, **REFUSED))
    return records


def test_the_files_are_written_and_foreign_text_is_escaped(everything, tmp_path):
    written = build_layers_report(tmp_path, RUN, everything)
    assert {path.name for path in written} == {
        "layers.svg", "layers.png", "layers.md", "layers.html",
    }  # fmt: skip
    page = (tmp_path / "layers.html").read_text()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "no leak, no &lt;neuron&gt;" in page
    text = (tmp_path / "layers.md").read_text()
    assert "## Spikes as inputs, 10 %" in text
    assert r"| 16384 | &lt;b&gt; | 22 \[21, 23\] |" in text
    assert "<b>" not in text


def test_the_same_records_make_the_same_files(everything, tmp_path):
    first, second = (
        [p.read_bytes() for p in build_layers_report(tmp_path / n, RUN, everything)] for n in "ab"
    )
    assert first == second


def test_without_a_figure_to_compare_there_is_no_drawing(tmp_path):
    written = build_layers_report(tmp_path, {}, [proof("a"), speed("a", **REFUSED)])
    assert {path.name for path in written} == {"layers.md", "layers.html"}


def test_the_drawing_has_a_line_for_each_framework_and_the_roofline(everything):
    from harness.report.layers import draw

    figure = draw(everything)
    for axes in figure.axes:
        labels = [line.get_label() for line in axes.get_lines()]
        assert [label for label in labels if not label.startswith("_")] == ["<b>", "a", "roofline"]
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert len(figure.legends[0].get_texts()) == 3


def test_the_terminal_leaves_intervals_to_the_total(everything):
    from rich.console import Console

    console = Console(width=100, record=True, file=io.StringIO())
    for table in terminal_tables(everything):
        console.print(table)
    told = console.export_text()
    assert "10 [9, 11]" in told
    assert "5.0" in told
    assert "5.0 [" not in told
