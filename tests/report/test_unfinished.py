from __future__ import annotations

from harness.report.trust import names, unfinished

from .synthetic_run import layers_records, record, run_records


def table(records):
    labels = {r.row.key: r.row.plugin for r in records if r.kind != "peaks"}
    return unfinished(records, labels)


def test_seeds_that_share_a_fate_are_one_line_failures_first():
    made = table(run_records())
    failed, skipped = ([cell.value for cell in line] for line in made.lines)
    assert failed[:3] == ["norse-superspike", "seeds 0, 1, 2", "failed"]
    assert failed[4].split("\n") == [f"logs/norse-superspike seed={n}.log" for n in range(3)]
    assert skipped[:3] == ["sinabs-lif", "seed 0", "skipped"]
    assert names(made) == ["norse-superspike (failed)", "sinabs-lif (skipped)"]


def test_a_layers_reason_is_told_once():
    (line,) = table(layers_records()).lines
    assert line[0].value == "sinabs"
    assert line[3].value == "no leak, no <neuron>"
    assert "beta 1, reset detached" in line[1].value
    assert "512, 2048, 8192 neurons with spikes as inputs, 10 %" in line[1].value


def test_without_failures_there_is_no_table():
    assert table([record("a")]) is None
