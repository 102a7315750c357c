"""`harness layers`: what can be wrong is one line; what cannot be compared is not."""

from __future__ import annotations

import json

import pytest

ERRORS = [
    (["--plugins", "sinap"], "unknown plugin 'sinap'"),
    (["--plugins", "no/such/file.py"], "plugin file no/such/file.py: No such file"),
    (["--plugins", ","], "no plugin is named"),
    (["--neurons", "0"], "neurons: Input should be greater than or equal to 1, not 0"),
    (["--neurons", "512,"], "'512,': wanted integers, as in --neurons 512,2048"),
    (["--neurons", "many"], "'many': wanted integers"),
    (["--steps", "0"], "steps: "),
    (["--batch", "-1"], "batch: "),
    (["--density", "2"], "density: Input should be less than or equal to 1, not 2.0"),
    (["--density", "0"], "density: Input should be greater than 0, not 0.0"),
    (["--density", "nan"], "density: "),
    (["--density", "1,half"], "wanted fractions, as in --density 1,0.1"),
    (["--beta", "1.1"], "beta: "),
    (["--rounds", "0"], "rounds: "),
    (["--min-time", "0"], "min_time: "),
    (["--timeout", "-1"], "timeout: "),
    (["--threads", "0"], "threads: "),
    (["--device", "tpu"], "unknown device 'tpu': known: auto, cpu, cuda"),
]


@pytest.mark.parametrize(("words", "told"), ERRORS)
def test_an_error_is_one_line(harness, distribution, words, told, tmp_path):
    distribution("layer-plug", layers={"lay": "m"}, modules={"m": ""})
    chosen = [] if "--plugins" in words else ["--plugins", "lay"]
    code, out, err = harness("layers", *chosen, *words, "--out", tmp_path / "new")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_taken_is_an_error(harness, plugin_file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")
    path = plugin_file("mine", base="literal_layer")
    code, _, err = harness("layers", "--plugins", path, "--out", tmp_path / "out")
    assert code == 2
    assert "already holds a run: give another --out" in err


def test_layers_are_listed_apart_from_plugins(harness, distribution):
    distribution("layer-plug", layers={"lay": "m"}, modules={"m": ""}, requires=["no-such-thing"])
    code, out, _ = harness("plugins")
    assert code == 0
    below = out.partition("layers of neurons, for harness layers:\n")[2]
    assert "\nlay " in "\n" + below
    assert "no-such-thing is not installed" in below
    rows = json.loads(harness("plugins", "--json")[1])
    (mine,) = [row for row in rows if row["name"] == "lay"]
    assert (mine["kind"], mine["status"]) == ("layer", "missing")


def test_a_layer_is_no_plugin_to_train(harness, distribution, tmp_path):
    distribution("layer-plug", layers={"lay": "m"}, modules={"m": ""})
    code, _, err = harness("run", "--plugins", "lay", "--out", tmp_path / "out")
    assert code == 2
    assert "unknown plugin 'lay'" in err or "no plugin 'lay'" in err


SMALL = [
    "--neurons",
    "16,24",
    "--steps",
    "8",
    "--batch",
    "3",
    "--rounds",
    "6",
    "--min-time",
    "1e-3",
]
DELAYED = """
def step(state, current, neuron):
    reset = spike_of(state, neuron).detach()
    membrane = neuron.beta * state + current - neuron.theta * reset
    return spike_of(membrane, neuron), membrane
"""
REFUSES = """
from harness.plugin import Unsupported
@hookimpl
def harness_layer(neuron, n_in, n_out, device):
    if neuron.beta == 0.9:
        raise Unsupported("nine tenths are too much")
    return Layer(neuron, n_in, n_out, device)
"""


def records(folder):
    return [json.loads(line) for line in (folder / "layers.jsonl").read_text().splitlines()]


def test_equal_layers_are_compared_and_a_refusal_is_told(harness, plugin_file, tmp_path):
    pytest.importorskip("torch")
    right = plugin_file("right", base="literal_layer")
    twin = plugin_file("twin", base="literal_layer")
    refuses = plugin_file("refuses", REFUSES, base="literal_layer")
    out = tmp_path / "out"
    words = ["--plugins", f"{right},{twin},{refuses}", *SMALL, "--density", "1,0.2", "--out", out]
    code, told, err = harness("layers", "--device", "cpu", *words)
    assert code == 0, err
    assert "right: 8 of 8 neurons equal" in err
    assert "refuses: 6 of 8 neurons equal; refused: nine tenths are too much" in err
    assert f"report: {out / 'layers.html'}" in told

    found = records(out)
    proofs = {(r["plugin"], r["neuron"]["beta"]): r for r in found if r["stage"] == "equivalence"}
    assert proofs["right", 0.9]["metrics"]["equal"] is True
    assert proofs["refuses", 0.9]["status"] == "skipped"
    speeds = [r for r in found if r["stage"] == "speed"]
    assert len(speeds) == 3 * 2 * 2
    for record in speeds:
        if record["plugin"] == "refuses":
            assert (record["status"], record["reason"]) == ("skipped", "nine tenths are too much")
            assert record["metrics"] == {}
            continue
        metrics = record["metrics"]
        assert record["status"] == "ok"
        assert metrics["equal"] is True
        assert metrics["total_ms"]["n"] >= 6
        assert metrics["total_ms"]["low"] <= metrics["total_ms"]["median"]
        assert metrics["forward_bound_ms"] < metrics["forward_ms"]["median"]
        assert metrics["spikes_differing"] == 0
        samples = json.loads(
            next((out / "samples").glob(f"{record['key'].split()[0]}*")).read_text()
        )
        assert len(samples["forward"]) == 6
    assert {r["metrics"]["peak_flops"] > 1e8 for r in found if r["stage"] == "peaks"} == {True}
    page = (out / "layers.html").read_text()
    assert "nine tenths are too much" in page
    assert "data:image/svg+xml" in page
    assert (out / "figures" / "layers.png").stat().st_size > 1000
    lines = (out / "layers.md").read_text().splitlines()
    assert "| beta 0.9, reset detached | equal | equal | refused |" in lines


SLOW = """
import time
class Layer(Layer):
    def forward(self, inputs):
        if inputs.shape[0] == 8:
            time.sleep(0.5)
        return super().forward(inputs)
"""
DIES = """
import os
class Layer(Layer):
    def forward(self, inputs):
        if inputs.shape[0] == 8:
            os._exit(9)
        return super().forward(inputs)
"""


def test_what_is_unequal_slow_or_dies_has_a_row_that_says_so(
    harness, plugin_file, tmp_path, monkeypatch
):
    pytest.importorskip("torch")
    monkeypatch.setenv("COLUMNS", "150")
    sources = {"delayed": DELAYED, "slow": SLOW, "dies": DIES}
    paths = [plugin_file(name, code, base="literal_layer") for name, code in sources.items()]
    out = tmp_path / "out"
    words = ["--plugins", ",".join(map(str, paths)), *SMALL, "--rounds", "2", "--neurons", "16,600"]
    words += ["--density", "0.2", "--timeout", "100", "--out", out, "--device", "cpu"]
    code, told, err = harness("layers", *words)
    assert code == 1
    # Without a leak, late is not too late for the spikes; the gradient through it is missing.
    assert "delayed: 1 of 8 neurons equal; invalid: " in err
    assert "spikes differ from the equations'" in err
    found = {(r["plugin"], r["neurons"]): r for r in records(out) if r["stage"] == "speed"}
    for size in (16, 600):
        assert found["delayed", size]["metrics"]["equal"] is False
        assert found["delayed", size]["metrics"]["spikes_differing"] > 0
    assert "(not equal)" in told
    assert "| delayed (not equal) |" in (out / "layers.md").read_text()
    assert found["slow", 16]["status"] == "ok"
    assert found["slow", 600]["status"] == "skipped"
    assert "by the size before, more than --timeout" in found["slow", 600]["reason"]
    assert found["dies", 16]["status"] == "crashed"
    assert found["dies", 600]["status"] == "skipped"
    assert found["dies", 600]["reason"] == "crashed at 16 neurons: not tried"


@pytest.mark.parametrize(
    ("statuses", "code"),
    [({"ok"}, 0), ({"ok", "skipped"}, 0), ({"skipped"}, 3), ({"ok", "oom"}, 1), (set(), 3)],
)
def test_the_exit_code_tells_how_it_went(statuses, code, tmp_path, capsys):
    from harness.cli.layers import _conclude
    from harness.results.layers import LayerRecord
    from harness.coordinator.layers import LayersRun

    made = [
        LayerRecord(
            stage="speed", key=status, plugin=status, status=status, neurons=8, density=1.0,
            device="cpu", threads=1, metrics={"equal": True} if status == "ok" else {},
        )
        for status in statuses
    ]  # fmt: skip
    assert _conclude(LayersRun(tmp_path, made)) == code
    assert "report: " in capsys.readouterr().out
