"""What the plugins' tests share: a short training on digits through the host, in this process."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory):
    from harness.tasks import find
    from harness.tasks.prepare import prepare_task

    return prepare_task(find("digits"), [], tmp_path_factory.mktemp("cache"), lambda _: None)[0]


@pytest.fixture
def digits(digits_file):
    """A function that trains a plugin's module on digits and returns its validation accuracy."""
    torch = pytest.importorskip("torch")
    from harness.plugin import Params
    from harness.subjects import PluginLocation
    from harness.worker.data import load
    from harness.worker.evaluate import answer
    from harness.worker.hooks import Hooks
    from harness.worker.train import generator, seed_everything, train

    def accuracy(name, module="", file="", **overrides):
        torch.set_num_threads(1)
        cpu = torch.device("cpu")
        hooks = Hooks(PluginLocation(name, module, file))
        data = load("digits", str(digits_file), cpu)
        params = Params(**hooks.presets().resolve("quick", "digits", overrides))
        seed_everything(0)
        model = hooks.build_model(data.task, params, cpu)
        train(hooks, model, params, data.train, 0, lambda _: None)
        model.eval()
        with torch.no_grad():
            hooks.finish_training(model, data.train.batches(params.batch_size), generator(0, cpu))
        found = answer(hooks, model, data.validation, 10, record=True)
        return found.accuracy(data.validation)

    return accuracy
