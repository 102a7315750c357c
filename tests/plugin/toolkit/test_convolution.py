"""Convolutions before the dense layers: shapes, what is recorded, batch normalisation folded."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.measure.activity import ActivityMeter
from harness.plugin import Params, Task, Unsupported
from harness.plugin.toolkit import bptt
from harness.worker.checks import layers as check_layers

CPU = torch.device("cpu")
IMAGES = Task("images", "classification", (1, 8, 12), 5, 100)


class Network(bptt.SpikingNetwork):
    """On neurons without memory: a spike where the current is at or above the threshold."""

    def neurons(self, currents):
        return (currents >= self.params.theta).float() + 0 * currents


def params(**overrides):
    values = {"network": "conv", "channels": "4-6", "kernel": 3, "steps": 3, **overrides}
    return Params(**bptt.presets(("fast_sigmoid",)).resolve("quick", "images", values))


def built(task=IMAGES, **overrides):
    torch.manual_seed(0)
    return Network(task, params(**overrides), CPU)


def spikes(steps=3, samples=4):
    return (torch.rand(steps, samples, IMAGES.inputs) < 0.7).float()


def test_features_are_what_pooling_leaves():
    network = built()
    assert network.convolutions.features == 6 * 2 * 3
    assert network(spikes())[-1].shape == (3, 4, 36)


def test_the_recorded_layers_do_the_networks_work():
    network = built().eval()
    evaluation = bptt.harness_evaluate(network, spikes(), record=True)
    check_layers(evaluation.layers, 4)
    assert [layer.name for layer in evaluation.layers] == ["conv1", "conv2", "readout"]
    meter = ActivityMeter()
    meter.add(evaluation.layers, 4)
    first, second, readout = meter.layers()
    assert first["synops_mac"] == 0 < first["synops_ac"]
    assert second["synops_ac"] == 0 < second["synops_mac"]  # means of four spikes
    assert readout["synops_ac"] == 0
    scores = bptt.harness_evaluate(network, spikes(), record=False).scores
    assert scores.shape == (4, 5)


def test_a_constant_current_is_convolved_once_and_gives_the_same():
    network = built().eval()
    images = torch.rand(4, IMAGES.inputs)
    expanded = network(images.expand(3, -1, -1))[-1]
    assert torch.equal(expanded, network(images.expand(3, -1, -1).clone())[-1])


def test_batch_norm_is_folded_once_and_changes_no_current():
    network = built(batch_norm=True)
    for _ in range(20):
        network(spikes(samples=16))  # in training: running statistics
    network.eval()
    seen = []
    network.neurons = lambda currents: (seen.append(currents), (currents >= 1).float())[1]
    inputs = spikes()
    network(inputs)
    bptt.harness_finish_training(network)
    bptt.harness_finish_training(network)
    network(inputs)
    assert network.convolutions.folded
    torch.testing.assert_close(seen[0], seen[2], rtol=1e-4, atol=1e-5)


def test_a_folded_state_comes_back_folded():
    trained, fresh = built(batch_norm=True), built(batch_norm=True)
    trained(spikes(samples=16))
    bptt.harness_finish_training(trained)
    fresh.load_state_dict(trained.state_dict())
    inputs = spikes()
    assert torch.equal(trained.eval()(inputs)[-1], fresh.eval()(inputs)[-1])


@pytest.mark.parametrize("shape", [(10,), (1, 2, 8), (8, 8)])
def test_no_image_is_refused(shape):
    task = Task("other", "classification", shape, 5, 100)
    with pytest.raises(Unsupported, match="need images of at least 4 x 4"):
        built(task)


def test_an_even_kernel_is_refused():
    with pytest.raises(Unsupported, match="kernel = 4"):
        built(kernel=4)


def test_the_dense_network_has_no_convolutions():
    assert built(network="dense").convolutions is None
