from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

from harness.subjects import PluginLocation
from harness.worker.hooks import load_module


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
    path = plugin_file("torch", "import torch\nfound = torch")
    assert load_module(PluginLocation("torch", file=str(path))).found is sys.modules["torch"]
