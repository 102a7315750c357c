"""What an environment of a plugin is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.catalogue.plugins import discover as discovered
from harness.catalogue.plugins import from_file, select
from harness.coordinator.recipe import recipe_of

HOST = str(Path(harness.__file__).parent)


@pytest.fixture
def installed(distribution):
    """A plugin `mine` of the distribution `my-plugins`, which asks for a framework from 2 on."""
    return distribution(
        "my-plugins",
        {"mine": "my_module.bptt"},
        framework="spiky = spiky-nets",
        preload={"spiky": "my_module.preload"},
        requires=["spiky-nets>=2", "snn-harness[worker,jax]>=0.1", "other; python_version < '3'"],
        modules={"my_module.__init__": "", "my_module.bptt": ""},
    )


def chosen(name):
    (plugin,) = select([name], discovered(), versions=True)
    return plugin


def test_the_host_and_the_plugin_are_linked_and_what_they_require_is_installed(installed):
    recipe = recipe_of(chosen("mine"))
    assert {HOST, str((installed / "my_module").resolve())} <= set(recipe.links)
    needs = {need.split(">")[0] for need in recipe.requirements}
    assert {"spiky-nets", "pydantic", "torch", "jax"} <= needs
    assert not needs & {"snn-harness", "other", "my-plugins"}
    assert any(line.startswith("pydantic==") for line in recipe.constraints)
    assert recipe.pin == ""


@pytest.mark.usefixtures("installed")
def test_a_version_that_is_asked_for_takes_the_place_of_every_other_wish(distribution):
    distribution("spiky-nets", version="2.5")
    free, pinned = recipe_of(chosen("mine")), recipe_of(chosen("mine@1.5"))
    assert "spiky-nets==2.5" in free.constraints
    assert not [line for line in pinned.constraints if line.startswith("spiky-nets")]
    assert pinned.pin == "spiky-nets==1.5"
    assert pinned.pin in pinned.requirements
    assert len({free.key, pinned.key, recipe_of(chosen("mine@1.6")).key}) == 3
    assert recipe_of(chosen("mine")).key == free.key


def test_a_file_asks_for_what_its_script_block_names(plugin_file):
    block = '# /// script\n# dependencies = ["norse>=1.1", "torch>=2.5"]\n# ///\n'
    recipe = recipe_of(from_file(plugin_file("mine", block)))
    assert {"norse>=1.1", "torch>=2.5"} <= set(recipe.requirements)
    assert HOST in recipe.links
