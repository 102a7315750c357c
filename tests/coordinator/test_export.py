"""Which network is exported, and what is said where there is none."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from harness import export as exported
from harness.coordinator import export as exporting
from harness.coordinator.export import export
from harness.errors import UsageError
from harness.protocol.events import Failed, Prepared
from harness.subjects import PluginLocation, Trial
from tests.fixtures.small_runs import small_row, small_session, write_run


@pytest.fixture
def run(tmp_path):
    rows = [
        small_row("deep"),
        *(small_row("wide", params={"n": n}, swept={"n": n}) for n in (1, 2)),
    ]
    write_run(tmp_path / "run", rows, timing=False, failed=[("deep", 0)])
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("row", "options", "told"),
    [
        ("dep", {}, "unknown row 'dep': did you mean 'deep'"),
        ("", {}, "unknown row ''"),
        (" ", {}, "unknown row ' '"),
        ("wide", {}, "'wide' names 2 rows, give one: 'wide n=1', 'wide n=2'"),
        ("deep", {"seed": 0}, "deep seed 0 has no trained network, it is failed: it broke"),
        ("wide n=1", {"seed": 7}, "wide n=1 has no seed 7: it has 0, 1, 2"),
        ("deep", {"format": "onnx"}, "unknown format 'onnx'"),
        ("deep", {"dt": 0.0}, "--dt is a time step in seconds above 0, not 0.0"),
        ("deep", {"dt": float("nan")}, "--dt is a time step"),
        ("deep", {"out": "nowhere/graph.nir"}, "there is no folder nowhere"),
        ("deep", {"out": __file__}, "exists already, and is not overwritten: give another --out"),
    ],
)
def test_what_cannot_be_exported_is_one_line(run, row, options, told):
    with pytest.raises(UsageError, match=told) as error:
        export(run, row, **options)
    assert "\n" not in str(error.value)


def test_a_state_that_is_gone_is_told(run):
    for state in (run / "state").iterdir():
        state.unlink()
    with pytest.raises(
        UsageError, match=r"no longer has the trained state of deep seed 1 .*run it again"
    ):
        export(run, "deep")


def test_a_plugin_that_is_gone_is_told(run):
    with pytest.raises(UsageError, match="unknown plugin 'deep'"):
        export(run, "deep")


def test_the_command_writes_the_network_of_a_run(harness, plugin_file, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    nir = pytest.importorskip("nir", reason="the extra nir is not installed")
    from harness.plugin import CLASSIFICATION, Params, Task
    from harness.worker import state
    from harness.worker.hooks import Hooks

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the run's paths are relative to where it was begun
    file = plugin_file("mine", base="literal_lif")
    hooks = Hooks(PluginLocation("mine", file=str(file)))
    params = hooks.presets().resolve("quick", "digits", {"hidden": "16", "gain": 3.0})
    config = {"plugins": ["mine.py"], "task": "digits", "limit": 60}
    row = small_row("mine", task="digits", params=params, limit=60)
    folder = write_run(
        tmp_path / "run",
        [row],
        seeds=(1,),
        timing=False,
        session=small_session(config=config, folder=".."),
    )
    task = Task("digits", CLASSIFICATION, (1, 8, 8), 10, 60)
    model = hooks.build_model(task, Params(**params), torch.device("cpu"))
    state.save(model, str(folder.file("state", Trial(row=row, seed=1).key, ".safetensors")))
    code, out, err = harness("export", "../run", "mine", "--out", "net.nir")
    assert code == 0, err
    assert out.startswith("wrote net.nir: mine seed 1, 2 layers, 16 neurons, dt 0.001 s, spikes as")
    assert "the code of mine has changed since it was trained" in err
    graph = nir.read("net.nir")
    assert (graph.metadata["seed"], graph.metadata["task"]) == (1, "digits")


def test_what_the_worker_refuses_is_one_line_and_leaves_no_file(
    plugin_file, tmp_path, monkeypatch, heard
):
    @contextmanager
    def asking(*_arguments):
        yield lambda request, _timeout: Failed(status="skipped", reason="it is a conversion")

    found = Prepared(path="arrays", facts={"digest": "another"})
    monkeypatch.setattr(exporting, "asking", asking)
    monkeypatch.setattr(exporting, "prepare", lambda *_arguments: found)
    monkeypatch.chdir(tmp_path)
    config = {"plugins": [str(plugin_file("mine", base="softmax"))], "task": "digits"}
    for name, data in (("plain", None), ("changed", "one")):
        row = small_row("mine", task="digits", data=data)
        write_run(tmp_path / name, [row], timing=False, session=small_session(config=config))
    with pytest.raises(UsageError, match=r"^mine is not exported: it is a conversion$"):
        export("plain", "mine", listener=heard)
    assert heard.messages == ["the code of mine has changed since it was trained"]
    assert not Path("mine-seed0.nir").exists()
    with pytest.raises(UsageError, match="the data of digits have changed since"):
        export("changed", "mine")


def test_it_is_part_of_the_python_api():
    assert exported is export
