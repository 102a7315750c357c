from __future__ import annotations

from pathlib import Path

from harness.config.paths import (
    cache_folder,
    located,
    located_params,
    located_plugin,
    start_folder,
)


def test_the_cache_is_the_users_unless_the_variable_names_another(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HARNESS_CACHE")
    assert cache_folder().name == "snn-harness"


def test_paths_are_found_again_from_another_folder(tmp_path, monkeypatch):
    begun, run = tmp_path / "begun", tmp_path / "begun" / "results" / "run"
    run.mkdir(parents=True)
    (begun / "mine.py").touch()
    monkeypatch.chdir(begun)
    start = start_folder(Path("results/run"))
    assert start == "../.."
    monkeypatch.chdir(tmp_path)
    assert Path(located("mine.py", Path("begun/results/run") / start)).samefile(begun / "mine.py")
    assert located("other.py", Path("begun/results/run") / start) == "other.py"
    assert located("/abs.py", run) == "/abs.py"
    assert located("mine.py", None) == "mine.py"
    base = Path("begun/results/run") / start
    assert located_plugin("mine.py@1.0", base) == located("mine.py", base) + "@1.0"
    assert located_plugin("snntorch-bptt@1.0", base) == "snntorch-bptt@1.0"


def test_the_files_of_parameters_are_found_again_from_another_folder(tmp_path):
    (tmp_path / "net.py").touch()
    params = {"*-conversion": {"model": ("net.py:make", "gone.py:make"), "hidden": (256, "64-64")}}
    assert located_params(params, tmp_path) == {
        "*-conversion": {
            "model": (f"{tmp_path}/net.py:make", "gone.py:make"),
            "hidden": (256, "64-64"),
        }
    }
    assert located_params(params, None) == params
