"""Every installed plugin through the command, from its options to its report.

Where a framework is missing, the run must say so instead: this module needs no torch itself.
"""

from __future__ import annotations

import csv
import json

import pytest

from harness.catalogue.plugins import discover
from harness.results.store import RunFolder
from harness.subjects import Row, Trial

MARKED = ("native", "snntorch", "spikingjelly")
PLUGINS = {plugin.name: plugin for plugin in discover() if plugin.framework in MARKED}


def each(plugins):
    return [
        pytest.param(name, marks=getattr(pytest.mark, plugin.framework))
        for name, plugin in plugins.items()
    ]


@pytest.fixture(scope="module")
def finished(start, tmp_path_factory):
    """One short run of all of them: its folder, exit code and output."""
    folder = tmp_path_factory.mktemp("real") / "run"
    process = start(
        "run", "--plugins", ",".join(PLUGINS), "--set", "*.epochs=1", "--seeds", "0", "--rounds", "2",
        "--min-time", "0.01", "--device", "cpu", "--out", folder,
    )  # fmt: skip
    out, err = process.communicate(timeout=900)
    assert process.left() == []
    return folder, process.returncode, out, err


@pytest.fixture(scope="module")
def records(finished, lines):
    return lines(finished[0])


@pytest.mark.parametrize("name", each(PLUGINS))
def test_the_trial_is_ok_and_its_metrics_are_sensible(records, name):
    record = records[0][name, 0]
    if PLUGINS[name].status == "missing":
        assert record["status"] == "skipped"
        assert PLUGINS[name].reason in record["reason"]
        return
    assert (record["status"], record["reason"]) == ("ok", "")
    assert record["row"]["params"]["epochs"] == 1
    assert record["row"]["digest"] == PLUGINS[name].digest
    metrics = record["metrics"]
    assert 0.3 < metrics["test_accuracy"] <= 1
    assert abs(metrics["test_accuracy"] - metrics["train_accuracy"]) < 0.3
    assert metrics["test_size"] == 360
    assert metrics["parameters"] > 640
    assert metrics["footprint_bytes"] >= 4 * metrics["parameters"]
    assert metrics["train_seconds"] > 0
    assert 0 < metrics["synops_ac"] + metrics["synops_mac"] <= metrics["synops_dense"]
    assert 0 < metrics["input_density"] <= 1
    assert 0 <= metrics["activation_sparsity"] < 1
    picojoules = 0.9 * metrics["synops_ac"] + 4.6 * metrics["synops_mac"]
    assert metrics["energy_modelled_nj"] == pytest.approx(picojoules / 1000)
    if "accuracy_by_step" in metrics:
        assert metrics["accuracy_by_step"][-1] == metrics["test_accuracy"]
        assert 1 <= metrics["decision_step"] <= len(metrics["accuracy_by_step"])
    assert record["history"]
    assert record["versions"]["torch"]


@pytest.mark.parametrize("name", each({n: p for n, p in PLUGINS.items() if p.status != "missing"}))
def test_the_timing_group_measured_it(finished, records, name):
    record = records[1][name, 0]
    assert (record["status"], record["reason"]) == ("ok", "")
    metrics = record["metrics"]
    latency = metrics["latency_ms"]
    assert latency["n"] >= 3
    assert latency["median"] > 0
    if "low" in latency:  # an interval needs more samples than a slow plugin gets here
        assert latency["low"] <= latency["median"] <= latency["high"]
    for kind in ("inference", "train"):
        assert metrics[f"{kind}_throughput"]["median"] > 0
    assert metrics["peak_memory_bytes"] >= 0
    # There is a counter or there is none: a figure above 0, or a reason.
    reason = record["absent"].get("energy_measured_j", "")
    assert bool(reason) != (metrics.get("energy_measured_j", 0) > 0)
    key = Trial(row=Row.model_validate(record["row"]), seed=0).key
    samples = RunFolder(finished[0]).read_samples(key)
    assert sum(map(len, samples["seconds"]["latency"])) == latency["n"]
    assert len(samples["seconds"]["latency"]) == 2  # one by each of the row's processes
    assert record["series"]["latency"]["noise_floor"] >= 0.01


@pytest.mark.native
def test_the_control_multiplies_and_spiking_layers_accumulate(records):
    if PLUGINS["ann-relu"].status == "missing":
        pytest.skip(PLUGINS["ann-relu"].reason)
    control = records[0]["ann-relu", 0]
    assert control["metrics"]["synops_ac"] == 0
    assert "spikes_per_sample" not in control["metrics"]
    assert control["metrics"]["test_accuracy"] > 0.7
    spiking = records[0]["native-dfa", 0]["metrics"]
    assert spiking["synops_ac"] > 0
    assert spiking["spikes_per_sample"] > 0


def test_the_folder_holds_the_run_and_its_report(finished):
    folder, code, out, err = finished
    ready = [name for name, plugin in PLUGINS.items() if plugin.status == "ready"]
    assert code == (0 if ready else 3), err
    assert "Traceback" not in err
    assert f"report: {folder / 'report.html'}" in out
    described = json.loads((folder / "run.json").read_text())
    (session,) = described["sessions"]
    assert session["command"].startswith("harness run --plugins ")
    assert session["config"]["params"] == {"*": {"epochs": ["1"]}}
    assert session["environment"]["cores"] >= 1
    assert session["plugins"].keys() == PLUGINS.keys()
    assert {"trials", "report"} <= session["wall_seconds"].keys()
    with (folder / "summary.csv").open(newline="") as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    assert rows.keys() >= set(ready)
    page = (folder / "report.html").read_text()
    assert all(name in page for name in PLUGINS)
    assert len(list((folder / "state").iterdir())) == len(ready)
