"""What SpikingJelly's STDP learner costs in spikingjelly-stdp, at mnist's size and best preset.

`step` minus `forward` is the learner with its [B, out, in] tensors, normalisation and thresholds.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
stdp = pytest.importorskip("harness_spikingjelly.stdp")

from harness.contract import Params, Task

pytestmark = pytest.mark.spikingjelly

MNIST = Task("mnist", "classification", (1, 28, 28), 10, 55_000)


@pytest.fixture(params=[100, 400])
def subject(request):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    values = stdp.harness_presets().resolve("best", "mnist", {"neurons": request.param})
    params = Params(**values)
    model = stdp.harness_build_model(MNIST, params, torch.device("cpu")).train()
    # A fifth of an image is ink.
    images = torch.rand(params.batch_size, 1, 28, 28) * (
        torch.rand(params.batch_size, 1, 28, 28) < 0.2
    )
    spikes = stdp.harness_encode(model, images, torch.Generator().manual_seed(0))
    return model, spikes


def test_forward(benchmark, subject):
    model, spikes = subject

    def forward():
        from spikingjelly.activation_based import functional

        with torch.no_grad():
            model(spikes)
        functional.reset_net(model)

    benchmark(forward)


def test_step(benchmark, subject):
    model, spikes = subject
    benchmark(stdp.harness_train_step, model, spikes)
