"""Tiny networks and data for the tests of the worker's side; all of them need torch."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace

import pytest


@pytest.fixture
def hooks(plugin_file):
    """The hooks of the softmax plugin with `code` appended."""
    torch = pytest.importorskip("torch")
    from harness.subjects import PluginLocation
    from harness.worker.hooks import Hooks

    torch.set_num_threads(1)

    def load(code="", base="softmax"):
        return Hooks(PluginLocation("mine", file=str(plugin_file("mine", code, base=base))))

    return load


@pytest.fixture(scope="session")
def arrays(tmp_path_factory):
    """A file like that of `digits`, with few samples: 10 classes, a stripe each.

    The class of test sample i is i % 10.
    """
    torch = pytest.importorskip("torch")
    from harness.plugin import Arrays
    from harness.tasks import find
    from harness.tasks.prepare import write_arrays

    splits = {}
    draws = torch.Generator().manual_seed(0)
    for split, size in {"train": 203, "validation": 40, "test": 300}.items():
        targets = torch.arange(size) % 10
        noise = torch.randint(0, 4, (size, 1, 8, 8), generator=draws, dtype=torch.uint8)
        noise.flatten(1)[torch.arange(size), targets * 6] = 16
        splits[split] = (noise.numpy(), targets.numpy())
    path = tmp_path_factory.mktemp("arrays") / "digits.safetensors"
    spec = replace(find("digits"), sizes=None)
    write_arrays(path, spec, Arrays(splits, scale=16.0))
    return str(path)


@pytest.fixture
def data(arrays):
    torch = pytest.importorskip("torch")
    from harness.worker.data import load

    return load("digits", arrays, torch.device("cpu"))


@pytest.fixture
def trial_of():
    """A trial of the plugin `mine` with the softmax plugin's parameters, or others."""
    from harness.subjects import Row, Trial

    def make(seed=0, task="digits", **params):
        params = {"steps": 4, "epochs": 1, "batch_size": 64} | params
        row = Row(plugin="mine", framework="none", task=task, preset="quick", params=params)
        return Trial(row=row, seed=seed)

    return make


@pytest.fixture
def request_for(arrays, tmp_path, trial_of):
    """A RunTrial for the plugin `mine` at `seed`, with its state in a file of its own."""
    from harness.protocol.requests import RunTrial
    from harness.subjects import PluginLocation

    def make(seed=0, state="state", **params):
        return RunTrial(
            plugin=PluginLocation("mine"),
            trial=trial_of(seed, **params),
            data=arrays,
            state=str(tmp_path / f"{state}.safetensors"),
            predictions=str(tmp_path / f"{state}.predictions.safetensors"),
        )

    return make


@pytest.fixture
def run(hooks, request_for):
    """Carries out a trial of the softmax plugin with `code` appended, in this process."""
    from harness.worker.train import run_trial

    def carry_out(code="", report=lambda _: None, **options):
        return run_trial(request_for(**options), hooks(code), report)

    return carry_out


@pytest.fixture
def layer_hook(plugin_file):
    """The hook of the literal layer with `code` appended."""
    torch = pytest.importorskip("torch")
    from harness.subjects import PluginLocation
    from harness.worker.layer_hook import LayerHook

    torch.set_num_threads(1)

    def load(code="", base="literal_layer"):
        return LayerHook(PluginLocation("mine", file=str(plugin_file("mine", code, base=base))))

    return load


@pytest.fixture
def plugin_module():
    """The module of the plugin file `mine` that was loaded last: what its hooks have seen."""
    return lambda: sys.modules["harness_file_mine"]


@pytest.fixture(autouse=True)
def collected():
    """Sessions exempt all that lives from garbage collection: not beyond the test."""
    yield
    gc.unfreeze()
