from __future__ import annotations

from harness.report.layers import layer_rows, proofs, speeds
from harness.report.numbers import ABSENT
from harness.results.roofline import highest_peaks
from harness.results.summary import summarise

from .synthetic_run import PEAKS, REFUSED, layer, proof


def tables(records):
    return list(speeds(layer_rows(summarise(records))))


def cells(table, title):
    """A column of `table` by the name of its line."""
    place = [column.title for column in table.columns].index(title)
    return {line[0].value: str(line[place]) for line in table.lines}


def test_proofs_are_a_line_for_each_neuron_and_a_column_for_each_framework():
    unequal = {"status": "invalid", "reason": "3 of 100 spikes differ"}
    unequal |= {"metrics": {"spikes_compared": 100, "spikes_differing": 3}}
    unbuilt = {"status": "invalid", "reason": "it is no module", "metrics": {}}
    refused = {"status": "skipped", "reason": "no leak"}
    table = proofs(
        [
            proof("a"),
            proof("a", 1.0, False),
            proof("b", **unequal),
            proof("b", 1.0, False, **refused),
            proof("c", **unbuilt),
        ]
    )
    assert [column.title for column in table.columns] == ["Neuron", "a", "b", "c"]
    assert [[cell.value for cell in line] for line in table.lines] == [
        ["beta 0.9, reset detached", "equal", "not equal", "invalid"],
        ["beta 1, reset attached", "equal", "refused", ABSENT],
    ]
    assert proofs([]) is None


def test_only_equal_layers_are_compared_and_a_tie_is_a_verdict():
    (table,) = tables(
        [
            layer("slow", total=30.0),
            layer("native", total=10.0),
            layer("near", total=10.5),
            layer("cheat", total=1.0, status="invalid", reason="implies 300 TFLOP/s"),
            layer("other", total=2.0, equal=False),
            layer("none", **REFUSED, equal=False),
        ]
    )
    assert cells(table, "Total, against the baseline") == {
        "other (not equal)": ABSENT,
        "native": "the baseline",
        "near": "1.05 times [0.997, 1.11], a tie",
        "slow": "3 times [2.85, 3.18], slower",
        "cheat (invalid)": ABSENT,
        "none": ABSENT,
    }
    assert cells(table, "Roofline")["other (not equal)"] == ABSENT
    assert cells(table, "Roofline")["native"] == "20 %"
    assert cells(table, "Forward")["none"] == "not measured"
    assert cells(table, "Total")["slow"] == "30 ms [27, 33]"


def test_each_density_has_a_table_with_the_sizes_in_turn_the_fastest_first():
    made = [
        layer(plugin, neurons, density, total)
        for density in (1.0, 0.02)
        for neurons in (2048, 512)
        for plugin, total in (("slow", 20.0), ("native", 10.0))
    ]
    dense, sparse = tables(made)
    assert (dense.title, sparse.title) == (
        "Speed: dense inputs",
        "Speed: spikes as inputs, 2 %",
    )
    assert [(line[0].value, line[1].value) for line in sparse.lines] == [
        ("native", "512"),
        ("slow", "512"),
        ("native", "2048"),
        ("slow", "2048"),
    ]


def test_the_highest_peaks_count():
    more = PEAKS.model_copy(update={"metrics": {"peak_flops": 2e11, "peak_bandwidth": 5e9}})
    assert highest_peaks([PEAKS, more]) == (2e11, 1e10)
    assert highest_peaks([PEAKS.model_copy(update={"status": "failed", "metrics": {}})]) is None
