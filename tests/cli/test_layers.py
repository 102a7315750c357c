"""`harness layers`: what can be wrong is one line; what cannot be compared is not."""

from __future__ import annotations

import json

import pytest

from harness.plugin.contract import Neuron
from harness.results.record import LayerProof, LayerTiming
from harness.results.session import Session
from harness.results.store import RunFolder
from harness.runs.run import load
from harness.subjects import Contender, LayerRow, LayerSize

ERRORS = [
    (["--plugins", "sinap"], "unknown plugin 'sinap'"),
    (["--plugins", "no/such/file.py"], "plugin file no/such/file.py: No such file"),
    (["--plugins", ","], "no plugin is named"),
    (["--neurons", "0"], "--neurons: wanted 1 or more, not 0"),
    (["--neurons", "512,"], "'512,': wanted integers, as in --neurons 512,2048"),
    (["--neurons", "many"], "'many': wanted integers"),
    (["--steps", "0"], "steps: "),
    (["--batch", "-1"], "batch: "),
    (["--density", "2"], "--density: wanted 1 or less, not 2.0"),
    (["--density", "0"], "--density: wanted more than 0, not 0.0"),
    (["--density", "nan"], "--density: "),
    (["--density", "1,half"], "wanted fractions, as in --density 1,0.1"),
    (["--beta", "1.1"], "beta: "),
    (["--rounds", "0"], "rounds: "),
    (["--min-time", "0"], "--min-time: "),
    (["--timeout", "-1"], "timeout: "),
    (["--threads", "0"], "threads: "),
    (["--device", "tpu"], "unknown device 'tpu': known: auto, cpu, cuda"),
]


@pytest.mark.parametrize(("words", "told"), ERRORS)
def test_an_error_is_one_line(harness, distribution, words, told, tmp_path):
    distribution("layer-plug", layers={"lay": "m"}, modules={"m": ""})
    chosen = [] if "--plugins" in words else ["--plugins", "lay"]
    code, out, err = harness("layers", *chosen, *words, "--out", tmp_path / "new")
    assert (code, out) == (2, "")
    assert told in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "new").exists()


def test_a_file_without_the_hook_is_one_line_before_anything(harness, plugin_file, tmp_path):
    path = plugin_file("mine", "# harness_layer is not implemented\n", base="softmax")
    code, out, err = harness("layers", "--plugins", path, "--out", tmp_path / "out", "-q")
    assert (code, out, err) == (2, "", "harness: mine.py does not implement harness_layer\n")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_taken_is_an_error(harness, plugin_file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.json").write_text("{}")
    path = plugin_file("mine", base="literal_layer")
    code, _, err = harness("layers", "--plugins", path, "--out", tmp_path / "out")
    assert code == 2
    assert f"already holds a run: continue it with --resume {tmp_path / 'out'}" in err


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
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def timings(folder):
    found = [record for record in records(folder) if record["kind"] == "layer-timing"]
    return {(r["row"]["plugin"], r["row"]["size"]["neurons"], r["row"]["size"]["density"]): r
            for r in found}  # fmt: skip


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
    assert f"report: {out / 'report.html'}" in told

    found = records(out)
    proofs = {
        (r["row"]["plugin"], r["neuron"]["beta"]): r for r in found if r["kind"] == "layer-proof"
    }
    assert proofs["right", 0.9]["status"] == "ok"
    assert proofs["refuses", 0.9]["status"] == "skipped"
    speeds = timings(out)
    assert set(speeds) == {
        (n, s, d) for n in ("right", "twin", "refuses") for s in (16, 24) for d in (1, 0.2)
    }
    for (name, *_), record in speeds.items():
        if name == "refuses":
            assert (record["status"], record["reason"]) == ("skipped", "nine tenths are too much")
            assert record["metrics"] == {}
            continue
        metrics = record["metrics"]
        assert (record["status"], record["equal"]) == ("ok", True)
        assert metrics["total_ms"]["n"] >= 6
        assert metrics["total_ms"]["low"] <= metrics["total_ms"]["median"]
        assert metrics["forward_bound_ms"] < metrics["forward_ms"]["median"]
        assert metrics["spikes_differing"] == 0
        key = LayerRow.model_validate(record["row"]).key
        samples = json.loads((out / "samples" / f"{key}.json").read_text())
        assert len(samples["seconds"]["forward"]) == 6
        assert record["baseline"].startswith("right-")
        assert record["series"]["total"]["versus"] is None or name == "twin"
    assert {r["metrics"]["peak_flops"] > 1e8 for r in found if r["kind"] == "peaks"} == {True}
    page = (out / "report.html").read_text()
    assert "nine tenths are too much" in page
    assert "data:image/svg+xml" in page
    assert any(path.stat().st_size > 1000 for path in (out / "figures").glob("*.png"))
    report = (out / "report.md").read_text()
    assert any("reset detached" in line and "refused" in line for line in report.splitlines())


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
    found = {key[:2]: record for key, record in timings(out).items()}
    for size in (16, 600):
        assert found["delayed", size]["equal"] is False
        assert found["delayed", size]["metrics"]["spikes_differing"] > 0
    assert "not equal" in told
    assert "not equal" in (out / "report.md").read_text()
    assert found["slow", 16]["status"] == "ok"
    assert found["slow", 600]["status"] == "skipped"
    assert "by the size before, more than --timeout" in found["slow", 600]["reason"]
    assert found["dies", 16]["status"] == "crashed"
    assert found["dies", 600]["status"] == "skipped"
    assert found["dies", 600]["reason"] == "crashed at 16 neurons: not tried"


# --- carried on -----------------------------------------------------------------------------------

TINY = ["--neurons", "8,12", "--steps", "5", "--batch", "2", "--density", "1", "--rounds", "2",
        "--min-time", "0.001", "--device", "cpu"]  # fmt: skip


def test_a_run_of_layers_that_was_cut_off_repeats_nothing(harness, plugin_file, tmp_path):
    """Killed in the middle of a line, after the first size and after some of the proofs."""
    pytest.importorskip("torch")
    path, out = plugin_file("mine", base="literal_layer"), tmp_path / "out"
    assert harness("layers", "--plugins", path, *TINY, "--out", out)[0] == 0
    file = out / "records.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    kinds = [record["kind"] for record in records(out)]
    assert kinds == ["layer-proof"] * 8 + ["peaks", "layer-timing"] * 2

    for kept in (10, 3):
        file.write_bytes(b"".join(lines[:kept]) + lines[kept][:-9])
        code, _, err = harness("layers", "--resume", out)
        assert code == 0, err
        assert f"harness: left out records.jsonl line {kept + 1}: no valid JSON" in err
        now = file.read_bytes().splitlines(keepends=True)
        assert now[:kept] == lines[:kept]
        made = [json.loads(line) for line in now[kept + 1 :]]
        assert [record["kind"] for record in made] == kinds[kept if kinds[kept] != "layer-timing"
                                                            else kept - 1 :]  # fmt: skip
        assert {record["session"] for record in made} == {1 if kept == 10 else 2}
        assert "mine: 8 of 8 neurons equal" in err
        assert {key[1] for key in timings_of(now, kept)} == {8, 12}

    code, _, err = harness("layers", "--resume", out)
    assert code == 0
    assert file.read_bytes().splitlines(keepends=True) == now


def timings_of(lines, torn):
    found = [json.loads(line) for number, line in enumerate(lines) if number != torn]
    return {
        (r["row"]["plugin"], r["row"]["size"]["neurons"])
        for r in found
        if r["kind"] == "layer-timing"
    }


def test_a_layer_that_has_changed_is_refused_and_measured_anew_on_request(
    harness, plugin_file, tmp_path
):
    pytest.importorskip("torch")
    mine, other = (plugin_file(name, base="literal_layer") for name in ("mine", "other"))
    out = tmp_path / "out"
    words = ["--neurons", "8", *TINY[2:]]
    assert harness("layers", "--plugins", f"{mine},{other}", *words, "--out", out)[0] == 0
    mine.write_text(mine.read_text() + "# another layer\n")
    code, _, err = harness("layers", "--resume", out)
    assert code == 2
    assert "plugin mine (" in err.splitlines()[-1]
    assert f"harness layers --resume {out} --rerun-changed" in err.splitlines()[-1]
    code, _, err = harness("layers", "--resume", out, "--rerun-changed")
    assert code == 0, err
    made = [record for record in records(out) if record["session"] == 1]
    proved = {r["row"]["plugin"] for r in made if r["kind"] == "layer-proof"}
    timed = {r["row"]["plugin"] for r in made if r["kind"] == "layer-timing"}
    assert (proved, timed) == ({"mine"}, {"mine", "other"})  # side by side, or not at all
    assert len((out / "summary.csv").read_text().splitlines()) == 1 + 2


# --- exit codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok"], 0),
        (["ok", "skipped"], 0),
        (["skipped"], 3),
        (["ok", "oom"], 1),
        (["invalid", "ok"], 1),
        ([], 3),
    ],
)
def test_the_exit_code_tells_how_it_went(harness, statuses, code, tmp_path, monkeypatch):
    """The records are made up; the command has nothing left to do but to report them."""
    neuron = Neuron(beta=0.9, detach=True)
    folder = RunFolder.create(tmp_path / "run", "layers")
    folder.begin(Session(config={"plugins": ["all"]}))
    for number, status in enumerate(statuses):
        row = LayerRow(
            plugin=f"plugin{number}", framework="f", neuron=neuron,
            size=LayerSize(neurons=8, steps=1, batch=1, density=1.0),
        )  # fmt: skip
        metrics = {"total_ms": {"median": 1.0}} if status == "ok" else {}
        folder.append(LayerTiming(row=row, status=status, reason="because", metrics=metrics))

    def done(path, kind, **_options):
        return load(path, kind)

    monkeypatch.setattr("harness.coordinator.api.resume", done)
    left, told, _ = harness("layers", "--resume", folder.path)
    assert left == code
    assert "report: " in told


def test_a_proof_that_failed_is_a_failure_although_all_was_measured(harness, tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path / "run", "layers")
    contender = Contender(plugin="a", framework="f")
    folder.append(
        LayerProof(row=contender, neuron=Neuron(beta=0.5), status="invalid", reason="spikes differ")
    )
    monkeypatch.setattr("harness.coordinator.api.resume", lambda path, kind, **_: load(path, kind))
    assert harness("layers", "--resume", folder.path)[0] == 1
