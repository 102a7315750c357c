"""The Python API: runs, layers, and runs that are carried on; workers find a stand-in of torch.

So every trial fails, and leaves its record all the same.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.coordinator import api, environment, work
from harness.coordinator.listener import Listener
from harness.errors import UsageError
from harness.results.record import SCHEMA
from harness.results.session import Session
from harness.results.store import RECORDS, RUN, RunFolder


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


def test_the_public_names_are_there_and_others_are_not():
    assert callable(harness.run)
    assert callable(harness.layers)
    assert harness.Run.__name__ == "Run"
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = harness.runn


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"task": "mnits"}, "unknown task 'mnits': did you mean 'mnist'"),
        ({"plugins": "no-such-plugin"}, "unknown plugin 'no-such-plugin'"),
        ({"device": "tpu"}, "unknown device 'tpu': known: auto, cpu, cuda"),
        ({"plugins": []}, "no plugin is named"),
        ({"seeds": []}, "at least one seed is needed"),
        ({"baseline": "instaled x=1"}, "unknown row 'instaled x=1' for --baseline: did you mean"),
        ({"params": {"x": 3}}, "params: wanted {'installed': {'x': 3}}"),
        (
            {"params": {"instaled": {"x": 3}}},
            "params instaled.x: unknown plugin 'instaled': did you mean",
        ),
        ({"params": {"installed": {"x": []}}}, "installed.x has no value"),
        ({"rounds": 0}, "rounds: "),
        ({"seeds": "many"}, "seeds: "),
        ({"seeds": 0.5}, "seeds: "),
        ({"variants": "fast"}, "'fast' is unknown: known are eager"),
        ({"params": ["installed"]}, "params: "),
        ({"task": 3}, "task: "),
        ({"limit": "few"}, "limit: "),
        ({"plugins": 3}, "unknown plugin '3'"),
    ],
)
def test_a_mistake_is_found_before_anything_is_written(distribution, tmp_path, options, reason):
    distribution("installed", {"installed": "a_module"}, modules={"a_module": ""})
    out = tmp_path / "out"
    with pytest.raises(UsageError) as error:
        harness.run(**{"plugins": "installed", "out": out} | options)
    assert reason in str(error.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"plugins": "no-such-layer"}, "unknown plugin 'no-such-layer'"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"plugins": []}, "no plugin is named"),
        ({"neurons": [0]}, "neurons: "),
        ({"baseline": "nobody"}, "unknown row 'nobody' for --baseline"),
    ],
)
def test_a_mistake_about_layers_too(distribution, tmp_path, options, reason):
    distribution("layers-plug", layers={"lay": "a_module"}, modules={"a_module": ""})
    out = tmp_path / "out"
    with pytest.raises(UsageError) as error:
        harness.layers(**{"plugins": "lay", "out": out} | options)
    assert reason in str(error.value)
    assert not out.exists()


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({"seeds": 3}, {"seeds": (3,)}),
        ({"seeds": "0,1"}, {"seeds": (0, 1)}),
        ({"seeds": range(2)}, {"seeds": (0, 1)}),
        ({"seeds": np.arange(2)}, {"seeds": (0, 1)}),
        ({"plugins": "a,b*"}, {"plugins": ("a", "b*")}),
        ({"plugins": Path("a.py")}, {"plugins": ("a.py",)}),
        ({"plugins": [Path("a.py"), "b"]}, {"plugins": ("a.py", "b")}),
        ({"task": Path("a.py")}, {"task": "a.py"}),
        ({"data": "some, folder"}, {"data": ("some, folder",)}),
        ({"data": [Path("a")]}, {"data": ("a",)}),
        ({"variants": "compile"}, {"variants": ("eager", "compile")}),
        ({"metrics": Path("a.py")}, {"metrics": ("a.py",)}),
        ({"params": {"x": {"n": np.int64(3)}}}, {"params": {"x": {"n": (3,)}}}),
        ({"params": {"x": {"n": np.float64(0.5)}}}, {"params": {"x": {"n": (0.5,)}}}),
        ({"params": {"x": {"n": np.arange(2)}}}, {"params": {"x": {"n": (0, 1)}}}),
        ({"params": {"x": {"n": True}}}, {"params": {"x": {"n": (True,)}}}),
        ({"params": {"x": {"n": "64-32"}}}, {"params": {"x": {"n": ("64-32",)}}}),
    ],
)
def test_values_are_pythons_own_and_numpys_one_or_several(monkeypatch, given, held, tmp_path):
    monkeypatch.chdir(tmp_path)
    configs = []
    monkeypatch.setattr(work, "networks", lambda config, _command: configs.append(config))
    harness.run(**{"plugins": "x", **given})
    for name, value in held.items():
        found = getattr(configs[0], name)
        assert found == value and repr(found) == repr(value)


def test_a_layer_of_one_size_needs_no_list(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    configs = []
    monkeypatch.setattr(work, "layers", lambda config, _command: configs.append(config))
    harness.layers(neurons=64, density=0.5, proved=np.float64(0.9))
    (config,) = configs
    assert (config.neurons, config.density, config.proved) == ((64,), (0.5,), (0.9,))


@pytest.mark.parametrize("call", [harness.load, lambda run: harness.compare(run, run)])
def test_what_is_no_run_is_one_line(call):
    with pytest.raises(harness.UsageError, match=r"^3 is no run: give its folder"):
        call(3)


@pytest.mark.parametrize("call", [harness.run, harness.layers])
def test_an_option_that_there_is_not_is_pythons_own_error(call):
    with pytest.raises(TypeError, match="colour"):
        call(colour="red")


# --- loaded ---------------------------------------------------------------------------------------


def test_a_run_is_loaded_with_its_records_and_its_problems(folder, make_record):
    folder.append(make_record())
    with (folder.path / RECORDS).open("a") as file:
        file.write("half a li")
    run = harness.load(str(folder.path))
    assert run.records == [make_record()]
    assert len(run.problems) == 1
    assert run.path == folder.path
    assert run.kind == "networks"


def test_loading_what_is_no_run_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no run"):
        harness.load(tmp_path)


def test_the_trials_of_another_run_become_rows_and_its_timings_do_not(tmp_path, make_record):
    mine = RunFolder.create(tmp_path / "mine", "networks")
    other = RunFolder.create(tmp_path / "other", "networks")
    for folder, preset, milliseconds in ((mine, "source", 2), (other, "best", 9)):
        folder.begin(Session())
        folder.append(make_record(preset=preset, metrics={"test_accuracy": 0.5}))
        metrics = {"latency_ms": {"median": milliseconds}}
        folder.append(make_record("network-timing", preset=preset, metrics=metrics))
    harness.load(mine.path).report(beside=[harness.load(other.path)], figures=False)
    page = (mine.path / "report.md").read_text()
    assert "preset=source" in page
    assert "preset=best" in page
    assert "other" in page
    assert "2 ms" in page
    assert "9 ms" not in page


# --- carried on -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        ({"kind": "networks"}, "holds no session"),
        ({"kind": "networks", "sessions": [{"config": {}}]}, "plugins: is missing"),
        (
            {"kind": "networks", "sessions": [{"config": {"plugins": ["all"], "odd": 1}}]},
            "unknown option '--odd'",
        ),
        ({"kind": "layers", "sessions": [{"config": {"plugins": ["a"], "seeds": [1]}}]}, "seeds"),
        ({"kind": "neither"}, "kind: "),
        ({}, "kind: "),
    ],
)
def test_resuming_what_another_version_wrote_is_a_usage_error(folder, described, reason):
    (folder.path / RUN).write_text(json.dumps({"schema": SCHEMA, **described}))
    with pytest.raises(UsageError, match=reason) as error:
        api.resume(folder.path)
    assert "\n" not in str(error.value)


#: What run.json of snn-harness 0.1 looks like, shortened.
OLD = {
    "schema": 1,
    "command": "harness run --plugins native-dfa --task mnist --preset best",
    "started": "2026-11-22T23:35:51+00:00",
    "config": {"plugins": ["native-dfa"], "task": "mnist", "sets": [], "seeds": [0, 1, 2]},
    "jobs": 1,
    "data": {"source": "the IDX files", "split_version": 1},
    "environment": {"python": "3.11.7", "cores": 2},
}


@pytest.mark.parametrize("call", [harness.load, api.resume])
def test_a_run_of_the_first_version_is_refused_with_the_version_that_reads_it(tmp_path, call):
    (tmp_path / RUN).write_text(json.dumps(OLD))
    (tmp_path / "trials.jsonl").write_text('{"stage": "trial", "key": "native-dfa seed=0"}\n')
    with pytest.raises(UsageError) as error:
        call(tmp_path)
    assert "results schema 1, this version reads 2" in str(error.value)
    assert "snn-harness 0.1" in str(error.value)
    assert "\n" not in str(error.value)


class Interrupts(Listener):
    """Ctrl-C after so many records."""

    def __init__(self, after):
        self._left = after

    def recorded(self, label, record):
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(fake_torch, no_data, plugin_file, tmp_path):
    """A run of seeds 0 and 1 that was interrupted after seed 0: (its folder, its plugin's file)."""
    path = plugin_file("mine", base="declared")
    with pytest.raises(KeyboardInterrupt):
        harness.run(
            str(path), seeds=(0, 1), jobs=1, out=tmp_path / "run", listener=Interrupts(1),
            command="harness run --first", timing=False, device="cpu",
        )  # fmt: skip
    return tmp_path / "run", path


def seeds(run):
    return [(record.seed, record.session) for record in run.records]


def test_an_interrupted_run_keeps_what_it_has_and_has_a_report_without_figures(interrupted):
    run = harness.load(interrupted[0])
    assert seeds(run) == [(0, 0)]
    assert (run.path / "report.html").is_file()
    assert (run.path / "summary.csv").is_file()
    assert list((run.path / "figures").iterdir()) == []


def test_a_run_that_was_carried_on_has_two_sessions_and_each_record_names_its_own(
    interrupted, processes
):
    before = (interrupted[0] / RECORDS).read_bytes()
    run = api.resume(interrupted[0], command="harness run --resume")
    assert seeds(run) == [(0, 0), (1, 1)]
    assert (interrupted[0] / RECORDS).read_bytes().startswith(before)
    assert [session.command for session in run.sessions] == [
        "harness run --first", "harness run --resume",
    ]  # fmt: skip
    first, second = run.sessions
    assert (first.config, first.plugins, first.host) == (
        second.config, second.plugins, second.host,
    )  # fmt: skip
    assert {"trials", "report"} <= second.wall_seconds.keys()
    assert len(run.rows) == 1
    assert processes() == []


def test_what_is_finished_is_not_made_again(interrupted):
    run = api.resume(interrupted[0])
    again = api.resume(interrupted[0])
    assert again.records == run.records
    assert len(again.sessions) == 3


def refused(folder):
    """Why carrying it on is refused, which changes nothing."""
    before = (folder / RUN).read_bytes(), (folder / RECORDS).read_bytes()
    with pytest.raises(UsageError) as error:
        api.resume(folder)
    assert ((folder / RUN).read_bytes(), (folder / RECORDS).read_bytes()) == before
    told = str(error.value)
    assert "\n" not in told
    assert f"harness run --resume {folder} --rerun-changed" in told
    return told


def test_a_plugin_that_has_changed_is_refused_and_named_and_run_anew_on_request(interrupted):
    folder, path = interrupted
    then = harness.load(folder).sessions[0].plugins["mine"]["digest"]
    path.write_text(path.read_text() + "\n# another method\n")
    told = refused(folder)
    assert f"plugin mine ({then[:8]}, now " in told
    run = api.resume(folder, rerun_changed=True)
    assert seeds(run) == [(0, 1), (1, 1)]
    (row,) = run.rows
    assert row.row.digest == run.sessions[1].plugins["mine"]["digest"] != then
    assert len((folder / RECORDS).read_text().splitlines()) == 3
    assert (folder / "summary.csv").read_text().count("\nmine") == 1
    assert seeds(api.resume(folder)) == seeds(run)  # and it is the same from now on


def test_a_host_that_has_changed_is_refused_and_all_is_run_anew_on_request(
    interrupted, monkeypatch
):
    monkeypatch.setattr(environment, "host_digest", lambda: "f" * 64)
    assert "the host (" in refused(interrupted[0])
    run = api.resume(interrupted[0], rerun_changed=True)
    assert seeds(run) == [(0, 1), (1, 1)]
    assert len(run.rows) == 1


def test_data_that_have_changed_are_refused_and_all_is_run_anew_on_request(
    interrupted, monkeypatch
):
    prepare = work.prepare

    def other_data(*words):
        prepared = prepare(*words)
        return prepared.model_copy(update={"facts": prepared.facts | {"md5": {"x": "changed"}}})

    monkeypatch.setattr(work, "prepare", other_data)
    assert "the task's data" in refused(interrupted[0])
    run = api.resume(interrupted[0], rerun_changed=True)
    assert seeds(run) == [(0, 1), (1, 1)]


@pytest.mark.parametrize(("retry", "made_again"), [(False, []), (True, [(0, 1)])])
def test_what_failed_from_outside_is_run_again_where_that_is_asked_for(
    interrupted, retry, made_again
):
    folder = RunFolder(interrupted[0])
    (record,) = folder.records()[0]
    folder.append(record.model_copy(update={"status": "timeout"}))
    run = api.resume(folder.path, retry=retry)
    assert [(r.seed, r.session) for r in run.records if r.seed == 0 and r.session] == made_again


def test_only_what_decides_no_result_may_change(interrupted):
    run = api.resume(interrupted[0], changed={"timeout": 50.0, "jobs": 2})
    assert (run.sessions[-1].config["timeout"], run.sessions[-1].jobs) == (50, 2)
    with pytest.raises(UsageError, match="--task cannot change in a run that is carried on"):
        api.resume(interrupted[0], changed={"task": "mnist"})


def test_a_run_is_carried_on_from_another_folder(
    fake_torch, no_data, plugin_file, tmp_path, monkeypatch
):
    plugin_file("mine", base="declared")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        harness.run(
            "mine.py", seeds=(0, 1), jobs=1, listener=Interrupts(1), timing=False, device="cpu",
            limit=50,
        )  # fmt: skip
    (path,) = (tmp_path / "results").iterdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (elsewhere / "mine.py").write_text("raise SystemExit('another file of that name')")
    run = api.resume(f"../results/{path.name}")
    assert seeds(run) == [(0, 0), (1, 1)]
    assert {session.folder for session in run.sessions} == {"../.."}
    assert {record.row.limit for record in run.records} == {50}


def test_a_run_that_was_moved_is_carried_on_from_the_folder_that_holds_its_plugin(
    fake_torch, no_data, plugin_file, tmp_path, monkeypatch
):
    plugin_file("mine", base="declared")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        harness.run(
            "mine.py", seeds=(0, 1), jobs=1, listener=Interrupts(1), timing=False, device="cpu",
            out="results/run",
        )  # fmt: skip
    moved = tmp_path / "backup" / "results" / "run"
    moved.parent.mkdir(parents=True)
    (tmp_path / "results" / "run").rename(moved)
    monkeypatch.chdir(tmp_path / "backup")
    with pytest.raises(UsageError) as error:
        api.resume("results/run")
    assert "plugin file mine.py: No such file" in str(error.value)
    assert str(error.value).endswith(f"carry on with: harness run --resume {moved}")
    monkeypatch.chdir(tmp_path)
    assert seeds(api.resume(moved)) == [(0, 0), (1, 1)]


def test_a_file_that_a_parameter_names_is_found_from_another_folder_and_may_not_change(
    fake_torch, no_data, plugin_file, tmp_path, monkeypatch
):
    code = (
        "PARAMETERS = harness_presets().parameters\n\n@hookimpl\ndef harness_presets():\n"
        "    return Presets({**PARAMETERS, 'model': Parameter('', 'a net', file=True)})\n"
    )
    plugin_file("mine", code, base="declared")
    (tmp_path / "net.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        harness.run(
            "mine.py", seeds=(0, 1), jobs=1, listener=Interrupts(1), timing=False, device="cpu",
            params={"mine": {"model": "net.py:make"}}, out="run",
        )  # fmt: skip
    monkeypatch.chdir(tmp_path / "run")
    run = api.resume(tmp_path / "run")
    assert seeds(run) == [(0, 0), (1, 1)]
    assert {record.row.params["model"][:12] for record in run.records} == {"net.py:make@"}
    assert str(tmp_path) not in (run.path / RUN).read_text() + (run.path / RECORDS).read_text()
    (tmp_path / "net.py").write_text("x = 2\n")
    assert "net.py (" in refused(tmp_path / "run")


def test_a_run_with_a_link_in_it_is_not_carried_on(interrupted, tmp_path):
    (interrupted[0] / "figures").rmdir()
    (interrupted[0] / "figures").symlink_to(tmp_path)
    before = sorted(tmp_path.iterdir())
    for call in (api.resume, lambda path: harness.load(path).report()):
        with pytest.raises(UsageError, match="figures is a symbolic link"):
            call(interrupted[0])
    assert sorted(tmp_path.iterdir()) == before


def test_a_plugin_that_is_gone_is_refused(interrupted):
    interrupted[1].unlink()
    with pytest.raises(UsageError, match="No such file"):
        api.resume(interrupted[0])


@pytest.mark.parametrize("torn", [b"", b"half a record"])
def test_a_torn_last_line_costs_one_record(interrupted, torn):
    """It was killed while it wrote the record of seed 1."""
    folder, _ = interrupted
    with (folder / RECORDS).open("ab") as file:
        file.write(torn)
    run = api.resume(folder)
    assert seeds(run) == [(0, 0), (1, 1)]
    assert len(run.problems) == bool(torn)


def test_a_torn_only_record_is_made_again(interrupted):
    folder, _ = interrupted
    lines = (folder / RECORDS).read_bytes()
    (folder / RECORDS).write_bytes(lines[: len(lines) // 2])
    run = api.resume(folder)
    assert seeds(run) == [(0, 1), (1, 1)]
    assert len(run.problems) == 1


def test_a_run_of_the_other_kind_is_refused(folder):
    with pytest.raises(UsageError, match=r"is a run of harness run \(networks\)"):
        api.resume(folder.path, "layers")


def test_a_run_that_another_command_writes_to_is_refused(interrupted):
    folder, _ = interrupted
    with (
        RunFolder(folder).locked(),
        pytest.raises(UsageError, match="another command is writing to"),
    ):
        api.resume(folder)
    assert len(harness.load(folder).sessions) == 1


# --- layers ---------------------------------------------------------------------------------------


def test_layers_from_python(plugin_file, tmp_path, processes):
    pytest.importorskip("torch")
    files = [str(plugin_file(name, base="literal_layer")) for name in ("one", "two")]
    run = harness.layers(
        files, neurons=[8], steps=5, batch=2, density=[1], proved=[0.9], rounds=2, min_time=0.001,
        device="cpu", out=tmp_path / "layers",
    )  # fmt: skip
    assert run.kind == "layers"
    kinds = [record.kind for record in run.records]
    assert [kinds.count(kind) for kind in ("layer-proof", "layer-timing", "peaks")] == [4, 2, 1]
    assert {record.status for record in run.records} == {"ok"}
    assert [row.label for row in run.rows] == [
        f"{name} neurons=8 density=1" for name in ("one", "two")
    ]
    assert len(run.frame) == len(run.summary) == 2
    assert (run.path / "report.html").is_file()
    assert processes() == []
    assert harness.load(run.path).records == run.records
    with pytest.raises(UsageError, match=r"is a run of harness layers \(layers\)"):
        api.resume(run.path, "networks")
