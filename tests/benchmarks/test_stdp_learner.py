"""What STDP costs at mnist's size: SpikingJelly's learner, and the same by matrix products.

`step` minus `forward` is the learner, normalisation and thresholds: SpikingJelly's makes
[B, out, in] tensors, native-stdp adds up traces where a neuron spiked.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params, Task

MNIST = Task("mnist", "classification", (1, 28, 28), 10, 55_000)


def subject(module, neurons):
    stdp = pytest.importorskip(module)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    values = {"neurons": neurons, "batch_size": 16}
    params = Params(**stdp.harness_presets().resolve("best-100", "mnist", values))
    model = stdp.harness_build_model(MNIST, params, torch.device("cpu")).train()
    # A fifth of an image is ink.
    images = torch.rand(params.batch_size, 1, 28, 28) * (
        torch.rand(params.batch_size, 1, 28, 28) < 0.2
    )
    return stdp, model, stdp.harness_encode(model, images, torch.Generator().manual_seed(0))


NEURONS = pytest.mark.parametrize("neurons", [100, 400])
MODULE = pytest.mark.parametrize(
    "module",
    [
        pytest.param("harness_native.stdp", marks=pytest.mark.native),
        pytest.param("harness_spikingjelly.stdp", marks=pytest.mark.spikingjelly),
    ],
)


@NEURONS
@MODULE
def test_forward(benchmark, module, neurons):
    _, model, spikes = subject(module, neurons)
    with torch.no_grad():
        benchmark(model, spikes)


@NEURONS
@MODULE
def test_step(benchmark, module, neurons):
    stdp, model, spikes = subject(module, neurons)
    benchmark(stdp.harness_train_step, model, spikes)
