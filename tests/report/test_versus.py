from __future__ import annotations

import numpy as np

from harness.report.numbers import ABSENT
from harness.report.versus import faster_or_slower, verdict_text
from harness.results.record import Versus

from .synthetic_run import PLUGINS, layers_records, record, row_of, timing


def table(records):
    labels = {r.row.key: r.row.plugin for r in records if r.kind != "peaks"}
    return faster_or_slower(records, labels)


def test_a_ratio_is_told_as_times_with_its_verdict():
    versus = Versus(ratio=0.4612, low=0.44, high=0.4811, p=0.01, verdict="faster")
    assert verdict_text(versus) == "0.461 times [0.44, 0.481], faster"
    assert verdict_text(Versus(ratio=1.31, p=0.3, verdict="tie")) == "1.31 times, a tie"
    assert verdict_text(None) == ABSENT


def test_each_row_but_the_baseline_is_compared():
    rng = np.random.default_rng(0)
    baseline = row_of("native-dfa").key
    made = table([timing(plugin, rng, baseline=baseline) for plugin in PLUGINS])
    assert [line[0].value for line in made.lines] == [p for p in PLUGINS if p != "native-dfa"]
    assert [column.title for column in made.columns[1:]] == [
        "Latency",
        "Inference, a sample",
        "Training, a sample",
    ]
    assert "that of native-dfa," in made.note


def test_a_baseline_that_has_gone_is_not_named():
    made = table([timing("ann-relu", np.random.default_rng(0), baseline="gone")])
    assert "a row that is no longer in this run" in made.note


def test_layers_that_are_not_the_neuron_are_not_compared():
    records = layers_records()
    changed = [
        r.model_copy(update={"equal": False})
        if r.kind == "layer-timing" and r.row.plugin == "norse"
        else r
        for r in records
    ]
    assert {line[0].value for line in table(records).lines} == {"norse", "snntorch"}
    assert {line[0].value for line in table(changed).lines} == {"snntorch"}
    assert "that of native at the same size" in table(changed).note


def test_without_timings_there_is_no_table():
    assert table([record("a")]) is None
