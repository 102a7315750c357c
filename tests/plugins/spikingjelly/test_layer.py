"""SpikingJelly's layer: what it says of itself. That it is the neuron is proved for all layers alike."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
layer = pytest.importorskip("harness_spikingjelly.layer")

from harness.plugin import Neuron


@pytest.mark.parametrize(
    ("neuron", "named"),
    [
        (Neuron(beta=0.5), "triton"),
        (Neuron(beta=1.0, surrogate="triangular"), "triton"),
        (Neuron(beta=0.5, slope=25.0), "torch-reference"),
    ],
)
def test_the_kernel_of_a_gpu_is_named_where_the_surrogate_gradient_has_one(
    monkeypatch, neuron, named
):
    choice = {"implementation": "triton", "unavailable": {}}
    monkeypatch.setattr(layer.functional, "neuron_implementation", lambda kind, device: choice)
    built = layer.harness_layer(neuron, 3, 4, torch.device("cpu"))
    assert built.implementation == named
