"""Trials on a cluster of two processes on this machine, by the installed command."""

from __future__ import annotations

import pytest

from .conftest import records

pytest.importorskip("distributed")
pytest.importorskip("torch")


def test_trials_run_on_a_cluster_and_say_where(start, tmp_path, fixtures):
    plugin = fixtures.parent / "benchmarks" / "idle_plugin.py"
    out = tmp_path / "run"
    command = start(
        "run", "--plugins", plugin, "--executor", "dask", "--jobs", 2, "--seeds", "0,1,2",
        "--limit", 50, "--no-timing", "--out", out, "-v",
    )  # fmt: skip
    _, printed = command.communicate(timeout=500)
    assert command.returncode == 0, printed
    found = records(out)
    assert sorted(record["seed"] for record in found) == [0, 1, 2]
    assert {record["status"] for record in found} == {"ok"}
    (name,) = {record["node"]["name"] for record in found}
    assert f"train on {name}" in printed
    assert "Traceback" not in printed
    assert len(list((out / "state").iterdir())) == 3
    assert command.left() == []
