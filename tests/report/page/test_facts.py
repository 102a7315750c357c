from __future__ import annotations

import json

import numpy as np
import pytest

from harness.report.layers import layer_rows
from harness.report.page.facts import MOST_POINTS, as_json, layer_facts, network_facts
from harness.report.rows import network_rows
from harness.results.store import RunFolder
from harness.results.summary import summarise
from report.synthetic_run import HOSTILE, fit_records, layers_records, record, run_records


def facts(records, folder=None):
    found = network_facts(network_rows(summarise(records)), {}, folder)
    return json.loads(as_json(found))


def test_a_cell_holds_value_interval_count_and_text():
    rows = {row["name"]: row for row in facts(run_records())["rows"]}
    value, low, high, n, text = rows["ann-relu"]["cells"]["test_accuracy"]
    assert low < value < high
    assert n == 3
    assert text.startswith("98.1 %")
    assert "steps" in rows["native-dfa"]
    assert rows["native-dfa"]["layers"][0][0] == "hidden1"


def test_a_long_curve_keeps_its_ends():
    history = facts(fit_records(1))["rows"][0]["history"]["loss"]
    epochs = history[0]
    assert len(epochs) == MOST_POINTS
    assert (epochs[0], epochs[-1]) == (1, 400)
    assert len(history) == 4  # epochs, and of two seeds the mean, the lowest and the highest


def test_spikes_are_there_for_the_raster():
    raster = facts(fit_records(1, outputs=2))["rows"][0]["raster"]
    assert len(raster["target"]) == len(raster["output"]) == 2
    assert len(raster["input"]) == 100


def test_latencies_come_from_the_samples_beside_the_records(tmp_path):
    records = run_records()
    timing = next(r for r in records if r.kind == "network-timing")
    folder = RunFolder.create(tmp_path / "run", "networks")
    calls = np.linspace(0.001, 0.002, 101).tolist()
    folder.write_samples(
        timing.key, {"batches": {"latency": 1}, "seconds": {"latency": [calls[:50], calls[50:]]}}
    )
    rows = {row["plugin"]: row for row in facts(records, folder.path)["rows"]}
    quantiles = rows[timing.row.plugin]["latencies"]
    assert quantiles[10] == pytest.approx(1.5)
    assert quantiles == sorted(quantiles)
    assert sum("latencies" in row for row in rows.values()) == 1


@pytest.mark.parametrize("samples", [{}, {"seconds": {"latency": "no"}}, {"seconds": []}])
def test_samples_that_cannot_be_read_cost_only_themselves(tmp_path, samples):
    records = run_records()
    timing = next(r for r in records if r.kind == "network-timing")
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.write_samples(timing.key, samples)
    assert not any("latencies" in row for row in facts(records, folder.path)["rows"])


def test_nothing_in_the_block_ends_its_element():
    found = network_facts(network_rows(summarise([record(HOSTILE)])), {})
    text = as_json(found)
    assert not set("<>&") & set(text)
    assert "<script>alert(1)" in json.loads(text)["rows"][0]["name"]


def test_of_layers_those_that_are_not_equal_are_told():
    rows = json.loads(as_json(layer_facts(layer_rows(summarise(layers_records())))))["rows"]
    equal = {row["name"]: row["equal"] for row in rows}
    assert equal == {"native": True, "norse": True, "sinabs": False, "snntorch": True}
    native = next(row for row in rows if row["name"] == "native")
    assert native["bounds"]["total"] == 2.0
