"""What a session says of the machine and the code."""

from __future__ import annotations

import subprocess

import pytest

from harness.catalogue.digest import host_digest
from harness.coordinator import environment
from harness.coordinator.config import RunConfig, make_config
from harness.errors import UsageError


def test_a_session_keeps_what_was_asked_and_what_was_found(make_plugin):
    config = make_config(RunConfig, {"plugins": ("a",), "params": {"a": {"hidden": [1, 2]}}})
    plugins = [make_plugin("a", framework="pytest", framework_version="8", digest="d")]
    session = environment.session(config, plugins, command="harness run", jobs=2)
    assert make_config(RunConfig, session.config) == config
    assert session.plugins == {"a": {"version": "8", "digest": "d"}}
    assert session.host["digest"] == host_digest()
    assert session.host["version"]
    assert (session.command, session.jobs) == ("harness run", 2)
    assert session.data == {}
    assert session.started.endswith("+00:00")
    assert session.environment["packages"]["pytest"] == pytest.__version__
    assert session.environment["cores"] >= 1
    assert session.environment["memory_bytes"] > 0
    assert session.environment["cpu"]


def test_a_gpu_is_chosen_where_the_driver_reports_one(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: ["a GPU"])
    assert environment.choose_device("auto") == "cuda"
    assert environment.choose_device("cpu") == "cpu"
    monkeypatch.setattr(environment, "gpus", list)
    assert environment.choose_device("auto") == "cpu"
    assert environment.choose_device("cuda:1") == "cuda:1"
    with pytest.raises(UsageError, match="unknown device 'tpu': known: auto, cpu, cuda"):
        environment.choose_device("tpu")


def test_without_git_or_a_checkout_there_is_no_commit(monkeypatch):
    def no_git(*_args, **_options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert "commit" not in environment.describe([])
