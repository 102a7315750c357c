from contextlib import contextmanager
from dataclasses import replace

import pytest

import harness
from harness.coordinator.conformance import check, choose
from harness.errors import UsageError
from harness.plugin.conformance import CHECKS
from harness.protocol.events import Checked


def test_a_plugin_is_named_by_itself_its_file_its_distribution_or_its_folder(
    distribution, plugin_file, tmp_path
):
    plugins = {"one": "mod_one", "two": "mod_two"}
    distribution("my-dist", plugins, modules=dict.fromkeys(plugins.values(), ""))
    file = plugin_file("three", "x = 1")
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "my-dist"\n')

    def names(*asked):
        return [plugin.name for plugin in choose([str(name) for name in asked])]

    assert names("two") == ["two"]
    assert names("my-dist") == names(folder) == ["one", "two"]
    assert names(file, "o*") == ["three", "one"]


def test_what_is_no_plugin_is_refused_with_the_fix(distribution, tmp_path, monkeypatch):
    distribution("my-dist", {"one": "mod_one"}, modules={"mod_one": ""})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange/pyproject.toml").write_text('[project]\nname = "not-installed"\n')
    with pytest.raises(UsageError, match="did you mean 'one'"):
        choose(["onee"])
    with pytest.raises(UsageError, match=r"empty is no package: it has no pyproject\.toml"):
        choose(["empty"])
    with pytest.raises(UsageError, match="install it first with: pip install -e strange"):
        choose(["strange"])
    with pytest.raises(UsageError, match=r"nowhere\.py: No such file"):
        choose(["nowhere.py"])


def test_a_version_is_checked_in_an_environment_of_its_own(distribution, monkeypatch, heard):
    """What builds it is tested by itself; here, that it is asked for and its worker started there."""
    from harness.coordinator import conformance

    distribution(
        "my-dist", {"one": "mod_one"}, framework="spiky = spiky-nets", modules={"mod_one": ""}
    )
    asked = []

    def environments(plugins, isolate, _listener):
        asked.append(([plugin.label for plugin in plugins], isolate))
        return [replace(plugin, interpreter="/own/python") for plugin in plugins]

    @contextmanager
    def asking(_workers, plugin, _log, _threads):
        yield lambda _request, _timeout: Checked(status="ok", detail=plugin.interpreter)

    monkeypatch.setattr(conformance, "in_environments", environments)
    monkeypatch.setattr(conformance, "asking", asking)
    results = check("one@1.5", listener=heard)
    check("one", isolate=True)
    assert asked == [(["one@1.5"], False), (["one"], True)]
    assert {(result.plugin, result.detail) for result in results} == {("one@1.5", "/own/python")}


def test_a_plugin_that_misses_its_library_fails_with_the_command_that_installs_it(plugin_file):
    file = plugin_file("lost", '# /// script\n# dependencies = ["no-such-library>=2"]\n# ///\n')
    results = check(str(file))
    assert [result.check for result in results] == [check.name for check in CHECKS]
    assert repr(results).splitlines()[0] == f"lost: {results[0].line}"
    assert results[0].line == (
        "FAILED  contract     no-such-library is not installed; pip install 'no-such-library>=2'"
    )
    others = {(result.status, result.detail) for result in results[1:]}
    assert others == {("skipped", "needs contract, which failed")}


def test_what_fails_because_of_another_check_is_skipped_with_its_name(plugin_file):
    pytest.importorskip("torch")
    code = """
import torch
from harness.plugin import Evaluation

@hookimpl
def harness_evaluate(spikes):
    return Evaluation(torch.zeros(spikes.shape[1], 1))
"""
    results = check(str(plugin_file("narrow", code, "softmax")), quick=True)
    found = {result.check: result for result in results}
    assert [name for name, each in found.items() if each.status == "failed"] == ["shapes"]
    for name in ("finite", "learning", "batches", "memory", "state", "reload", "tasks", "devices"):
        assert (found[name].status, found[name].detail) == ("skipped", "needs shapes, which failed")
    # It looks at no output.
    assert found["determinism"].status == "ok"


def test_a_check_that_ends_the_process_fails_and_the_others_go_on(plugin_file):
    pytest.importorskip("torch")
    code = """
import os
step = [harness_train_step]

@hookimpl
def harness_train_step(model, spikes, targets):
    if len(targets) == 1:
        os._exit(7)
    return step[0](model, spikes, targets)
"""
    seen = []
    results = check(str(plugin_file("ends", code, "softmax")), quick=True, each=seen.append)
    assert seen == results
    by_name = {result.check: result for result in results}
    broken = by_name["last-batch"]
    assert (broken.status, "exit code 7" in broken.detail) == ("failed", True)
    assert broken.detail.startswith("in check last-batch: ")
    assert "exit()" in broken.mend
    # Those after it are carried out by another worker.
    assert [name for name, found in by_name.items() if found.status == "failed"] == ["last-batch"]
    assert by_name["reload"].status == "ok"


def test_the_suite_is_part_of_the_python_api():
    assert harness.check is check
