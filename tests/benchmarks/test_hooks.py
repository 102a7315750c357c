"""pytest-benchmark over the hooks of every installed plugin, at its quick preset on digits.

These figures are for authors who change a plugin; a comparison comes from `harness run`, which takes
turns between the plugins.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.catalogue.plugins import discover
from harness.plugin import Params, Task
from harness.worker.hooks import Hooks

TASK = Task("digits", "classification", (1, 8, 8), 10, 1257)
CPU = torch.device("cpu")
PLUGINS = [
    pytest.param(plugin, id=plugin.name) for plugin in discover() if plugin.status == "ready"
]


class Subject:
    """A plugin's model, and one batch for it."""

    def __init__(self, plugin):
        torch.manual_seed(0)
        torch.set_num_threads(1)
        self.hooks = Hooks(plugin.location)
        values = self.hooks.presets().resolve("quick", "digits", {})
        self.params = Params(**values)
        self.draws = torch.Generator().manual_seed(0)
        self.inputs = torch.rand(self.params.batch_size, 1, 8, 8)
        self.targets = torch.randint(10, (self.params.batch_size,))
        self.model = self.build()
        self.spikes = self.hooks.encode(self.model, self.inputs, self.draws)

    def build(self):
        return self.hooks.build_model(TASK, self.params, CPU)


@pytest.fixture(params=PLUGINS)
def subject(request):
    return Subject(request.param)


def test_build_model(benchmark, subject):
    benchmark(subject.build)


def test_encode(benchmark, subject):
    benchmark(subject.hooks.encode, subject.model, subject.inputs, subject.draws)


def test_train_step(benchmark, subject):
    subject.model.train()
    benchmark(subject.hooks.train_step, subject.model, subject.spikes, subject.targets)


def test_evaluate(benchmark, subject):
    subject.model.eval()
    with torch.no_grad():
        # A conversion is what evaluates, and it encodes otherwise than in training.
        samples = [(subject.inputs, subject.targets)]
        subject.hooks.finish_training(subject.model, samples, subject.draws)
        spikes = subject.hooks.encode(subject.model, subject.inputs, subject.draws)
        benchmark(subject.hooks.evaluate, subject.model, spikes, False)
