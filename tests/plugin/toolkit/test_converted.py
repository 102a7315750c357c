"""A ReLU network in stages: what it computes, and how its operations are counted."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")

from harness.errors import UsageError
from harness.measure.activity import ActivityMeter
from harness.plugin import Params, Presets, Task, Unsupported
from harness.plugin.toolkit import conversion
from harness.plugin.toolkit.converted import (
    ConvertibleStages,
    network_stages,
    once_or_each,
    relu_convolutions,
)
from harness.plugin.toolkit.sequential import stages_of
from harness.worker.checks import layers as check_layers

IMAGES = Task("images", "classification", (1, 8, 12), 5, 100)
PRESETS = Presets(conversion.PARAMETERS, {"conv": conversion.CONV_VALUES})


def params(**overrides):
    return Params(
        **PRESETS.resolve("conv", "images", {"channels": "4-6", "kernel": 3, **overrides})
    )


def built(**overrides):
    torch.manual_seed(0)
    network = relu_convolutions(IMAGES, params(**overrides))
    return network, ConvertibleStages(stages_of(copy.deepcopy(network)), IMAGES.input_shape)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_it_computes_what_the_network_computes_in_training_and_after(batch_norm):
    network, model = built(batch_norm=batch_norm, dropout=0.3, input_dropout=0.2)
    inputs = torch.rand(6, *IMAGES.input_shape)
    torch.manual_seed(1)
    expected = network(inputs)
    torch.manual_seed(1)
    values = model.analog(inputs)
    assert torch.equal(values[-1], expected)
    assert [value.shape[1] for value in values] == [1, 4, 6, 5]
    network, model = network.eval(), model.eval()
    assert torch.equal(model.analog(inputs)[-1], network(inputs))
    model.fold()
    model.fold()
    torch.testing.assert_close(model.analog(inputs)[-1], network(inputs), rtol=1e-4, atol=1e-5)


def test_its_layers_count_pooled_spikes_as_multiply_accumulates():
    _, model = built()
    spikes = (torch.rand(3, 4, IMAGES.inputs) < 0.5).float()
    hidden = [(torch.rand(3, 4, *shape) < 0.5).float() for shape in ((4, 8, 12), (6, 4, 6))]
    layers = model.eval().recorded(spikes, hidden)
    check_layers(layers, 4)
    assert [layer.name for layer in layers] == ["conv1", "conv2", "linear3"]
    assert [tuple(layer.inputs.shape[2:]) for layer in layers] == [(1, 8, 12), (4, 4, 6), (36,)]
    assert [layer.connection for layer in layers] == list(model.connections)
    meter = ActivityMeter()
    meter.add(layers, 4)
    first, second, readout = meter.layers()
    assert first["synops_mac"] == 0 < first["synops_ac"]
    assert second["synops_ac"] == 0 < second["synops_mac"]
    assert readout["synops_ac"] == 0 < readout["synops_mac"]


def test_what_is_constant_over_time_stays_so_through_pooling():
    once = torch.rand(1, 2, 1, 4, 4)
    pooled = once_or_each(once.expand(5, -1, -1, -1, -1), [torch.nn.AvgPool2d(2)])
    assert pooled.shape == (5, 2, 1, 2, 2)
    assert pooled.stride(0) == 0


def test_no_stages_are_made_of_linear_layers_by_size():
    assert network_stages(IMAGES, params(network="dense")) is None


def test_convolutions_need_images():
    with pytest.raises(Unsupported, match=r"4 x 4, and a sample of flat is \(12,\)"):
        network_stages(Task("flat", "classification", (12,), 3, 40), params())


def test_a_network_of_the_users_that_does_not_fit_is_named(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\ndef make():\n"
        "    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))\n"
    )
    place = f"{tmp_path}/net.py:make"
    with pytest.raises(
        UsageError, match=rf"the network of {place} cannot be used: it does not take a batch"
    ):
        network_stages(IMAGES, params(model=place))
    flat = Task("flat", "classification", (3,), 2, 40)
    assert len(network_stages(flat, params(model=place))) == 2
