"""A plugin's module: how it is loaded, and for which contract it may have been written."""

from __future__ import annotations

import sys

import pytest

from harness.errors import InvalidOutput, OtherContract
from harness.plugin import hookspecs
from harness.subjects import PluginLocation
from harness.worker.loading import LoadedPlugin, check_contract, load_module


@pytest.fixture
def bytecode(monkeypatch):
    """Python keeps bytecode, whatever the environment says."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_a_file_edited_within_the_second_is_loaded_as_it_is_now(plugin_file, bytecode):
    for rate in (0.1, 0.2):
        path = plugin_file("mine", f"rate = {rate}")
        module = load_module(PluginLocation("mine", file=str(path)))
        assert (module.rate, module.__file__) == (rate, str(path))
    assert [each.name for each in path.parent.iterdir()] == ["mine.py"]


def test_a_file_named_like_a_library_may_import_it(plugin_file):
    path = plugin_file("json", "import json\nfound = json")
    assert load_module(PluginLocation("json", file=str(path))).found is sys.modules["json"]


def test_what_lies_beside_a_file_can_be_imported_and_shadows_nothing(plugin_file, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    path = plugin_file(
        "mine", "import helper_of_mine, wave\nfound = helper_of_mine.THRESHOLD, wave"
    )
    (path.parent / "helper_of_mine.py").write_text("THRESHOLD = 1.5")
    (path.parent / "wave.py").write_text("raise ImportError('not the library')")
    threshold, wave = load_module(PluginLocation("mine", file=str(path))).found
    assert threshold == 1.5
    assert wave.__file__ != str(path.parent / "wave.py")


def test_a_module_is_imported_by_its_name():
    assert load_module(PluginLocation("hooks", "harness.plugin.hookspecs")) is hookspecs


# --- the one plugin of a worker -------------------------------------------------------------------


@pytest.fixture
def load(plugin_file):
    """The plugin `mine` of `code` appended to the declared one."""

    def loaded(code=""):
        path = plugin_file("mine", code, base="declared")
        return LoadedPlugin(PluginLocation("mine", file=str(path)))

    return loaded


def test_what_a_plugin_lacks_is_told_in_the_order_asked_for(load):
    plugin = load("del harness_encode")
    asked = ("harness_layer", "harness_presets", "harness_encode")
    assert plugin.lacks(*asked) == ["harness_layer", "harness_encode"]


def test_every_plugin_is_registered_alone(load):
    first, second = load(), load("del harness_encode")
    assert not first.lacks("harness_encode")
    assert len(second.hook.harness_presets.get_hookimpls()) == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("harness_encoder(model)", "unknown hook harness_encoder: did you mean harness_encode?"),
        (
            "harness_train_state(model)",
            "unknown hook harness_train_state: did you mean harness_training_state?",
        ),
        ("harness_encode(model, input)", "harness_encode takes no `input`: did you mean `inputs`?"),
        (
            "harness_encode(model, xyz)",
            "harness_encode takes no `xyz`: there are model, inputs, generator",
        ),
    ],
)
def test_a_hook_or_an_argument_that_does_not_exist_is_told_with_what_was_meant(load, code, told):
    with pytest.raises(OtherContract) as error:
        load(f"@hookimpl\ndef {code}: pass")
    assert str(error.value) == told


def test_an_argument_with_a_default_is_the_plugins_own(load):
    load("@hookimpl\ndef harness_encode(model, scale=2): pass")


def test_the_hook_that_runs_is_named_and_stays_named_after_an_error(load):
    plugin = load()
    with plugin.running("harness_presets"):
        assert plugin.current == "harness_presets"
    assert plugin.current == ""
    with pytest.raises(ValueError, match="inside"), plugin.running("harness_presets"):
        raise ValueError("inside")
    assert plugin.current == "harness_presets"


# --- the contract's version -----------------------------------------------------------------------


@pytest.fixture(autouse=True)
def contract(monkeypatch):
    monkeypatch.setattr(hookspecs, "CONTRACT", "2.3")


@pytest.mark.parametrize("version", ["2.3", "2.0"])
def test_the_same_contract_or_an_older_one_of_the_same_major_version_will_do(load, version):
    check_contract("mine", version)
    load(f"HARNESS_CONTRACT = {version!r}")


def test_a_plugin_that_names_no_contract_is_taken_as_it_is(load):
    assert load().name == "mine"


@pytest.mark.parametrize(
    ("version", "what_to_do"),
    [
        ("2.4", "update snn-harness"),
        ("2.10", "update snn-harness"),  # numbers, not text
        ("3.0", "update snn-harness"),
        ("1.9", "update the plugin"),
    ],
)
def test_another_contract_is_refused_with_what_to_update(load, version, what_to_do):
    with pytest.raises(InvalidOutput) as error:
        load(f"HARNESS_CONTRACT = {version!r}")
    told = f"mine is written for contract {version} and this host has 2.3: {what_to_do}"
    assert str(error.value) == told


@pytest.mark.parametrize(
    "version", [2.3, 2, None, "", "2", "two", "2.3.1", "2.x", "-2.3", ("2", "3")]
)
def test_what_is_no_version_is_told(load, version):
    with pytest.raises(InvalidOutput) as error:
        load(f"HARNESS_CONTRACT = {version!r}")
    assert str(error.value) == f'mine: HARNESS_CONTRACT is {version!r}, wanted text like "1.0"'
