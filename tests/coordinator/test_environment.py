"""What a session says of the machine and the code."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest

from harness.catalogue.digest import host_digest
from harness.config.options import RunConfig, make_config
from harness.coordinator import environment


def test_a_session_keeps_what_was_asked_and_what_was_found(make_plugin):
    config = make_config(RunConfig, {"plugins": ("a",), "params": {"a": {"hidden": [1, 2]}}})
    plugins = [make_plugin("a", framework="pytest", framework_version="8", digest="d")]
    plugins = [dataclasses.replace(plugins[0], description="what it is")]
    session = environment.session(config, plugins, command="harness run", jobs=2)
    assert make_config(RunConfig, session.config) == config
    assert session.plugins == {"a": {"version": "8", "digest": "d", "description": "what it is"}}
    assert session.host["digest"] == host_digest()
    assert session.host["version"]
    assert session.host["torch"] == session.environment["packages"].get("torch", "")
    assert (session.command, session.jobs) == ("harness run", 2)
    assert session.data == {}
    assert session.started.endswith("+00:00")
    assert session.environment["packages"]["pytest"] == pytest.__version__
    assert session.environment["cores"] >= 1
    assert session.environment["memory_bytes"] > 0
    assert session.environment["cpu"]


def test_without_git_or_a_checkout_there_is_no_commit(monkeypatch):
    def no_git(*_args, **_options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert "commit" not in environment.describe([])
