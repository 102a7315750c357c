"""Tiny networks and data for the tests of the worker's side; all of them need torch."""

from __future__ import annotations

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
    """A file like that of `digits`, with few samples: 10 classes, a stripe each."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    tensors = {}
    draws = torch.Generator().manual_seed(0)
    for split, size in {"train": 203, "validation": 40, "test": 300}.items():
        targets = torch.arange(size) % 10
        noise = torch.randint(0, 4, (size, 1, 8, 8), generator=draws, dtype=torch.uint8)
        noise.flatten(1)[torch.arange(size), targets * 6] = 16
        tensors |= {f"{split}_inputs": noise, f"{split}_targets": targets}
    path = tmp_path_factory.mktemp("arrays") / "digits.safetensors"
    save_file(tensors, path, metadata={"scale": "16.0"})
    return str(path)


@pytest.fixture
def data(arrays):
    torch = pytest.importorskip("torch")
    from harness.worker.data import load

    return load("digits", arrays, torch.device("cpu"))


@pytest.fixture
def request_for(arrays, tmp_path):
    """A RunTrial for the plugin `mine` at `seed`, with its state in a file of its own."""
    from harness.subjects import PluginLocation
    from harness.protocol import RunTrial, Trial

    def make(seed=0, state="state", **overrides):
        trial = Trial(
            plugin=PluginLocation("mine"), label="mine", task="digits", preset="quick",
            overrides=overrides, seed=seed, device="cpu",
        )  # fmt: skip
        return RunTrial(trial=trial, data=arrays, state=str(tmp_path / f"{state}.safetensors"))

    return make


@pytest.fixture
def run(hooks, request_for):
    """Carries out a trial of the softmax plugin with `code` appended, in this process."""
    from harness.worker.train import run_trial

    def carry_out(code="", report=lambda _: None, **options):
        return run_trial(request_for(**options), hooks(code), report)

    return carry_out
