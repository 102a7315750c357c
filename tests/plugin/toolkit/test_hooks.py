"""Hooks that a plugin imports from the toolkit are registered as if it had defined them."""

from __future__ import annotations

import types

import pluggy
import pytest

torch = pytest.importorskip("torch")

from harness.plugin import hookspecs
from harness.plugin.toolkit import bptt, conversion


@pytest.mark.parametrize("toolkit", [bptt, conversion])
def test_imported_hooks_are_registered(toolkit):
    plugin = types.ModuleType("author")
    names = ["harness_encode", "harness_evaluate", "harness_train_step"]
    for name in names:
        setattr(plugin, name, getattr(toolkit, name))
    manager = pluggy.PluginManager("harness")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    assert sorted(caller.name for caller in manager.get_hookcallers(plugin)) == names
    for name in names:
        (implementation,) = getattr(manager.hook, name).get_hookimpls()
        assert implementation.function is getattr(toolkit, name)
