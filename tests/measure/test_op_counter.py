"""The operations against a second opinion: SpikingJelly's `op_counter`, which watches the tensors.

What is compared, as its definitions are others: `SynOpCounter` counts every weight that a spike (1)
meets, a zero weight too, so it equals our accumulates where no weight is zero; `MACCounter` counts
every weight and place of a layer whose input is no spike, zeros and padding included, so it equals
our dense operations of an unpadded layer. The operations of the neurons themselves (`ACCounter`)
have no counterpart here.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")

from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.op_counter import DispatchCounterMode, MACCounter, SynOpCounter
from torch import nn

from harness.measure.activity import ActivityMeter
from harness.plugin import Layer

pytestmark = pytest.mark.spikingjelly

STEPS, BATCH = 5, 7


def drawn(*shape, values=(0.0, 1.0)):
    draws = torch.Generator().manual_seed(0)
    return torch.tensor(values)[torch.randint(len(values), shape, generator=draws)]


def fully_connected():
    net = nn.Sequential(
        layer.Linear(40, 30), neuron.IFNode(0.3), layer.Linear(30, 20, bias=False),
        neuron.IFNode(0.3), layer.Linear(20, 10),
    )  # fmt: skip
    return net, (40,)


def convolutional():
    net = nn.Sequential(
        layer.Conv2d(2, 6, 3, padding=1), neuron.IFNode(0.3),
        layer.Conv2d(6, 8, 3, stride=2, padding=1, groups=2), neuron.IFNode(0.3),
        layer.MaxPool2d(2), layer.Flatten(), layer.Linear(8 * 3 * 3, 10),
    )  # fmt: skip
    return net, (2, 12, 12)


@pytest.fixture(params=[fully_connected, convolutional], ids=lambda make: make.__name__)
def made(request):
    torch.manual_seed(0)
    net, shape = request.param()
    functional.set_step_mode(net, "m")
    return net.eval(), shape


@torch.no_grad()
def theirs(net, inputs):
    """(synaptic operations, multiplications) that the counters saw."""
    functional.reset_net(net)
    spikes, macs = SynOpCounter(), MACCounter()
    with DispatchCounterMode([spikes, macs]):
        net(inputs)
    return spikes.get_total(), macs.get_total()


@torch.no_grad()
def ours(net, inputs):
    """The metrics of the chain `net` for all samples, and each layer's for one."""
    layers, values = [], inputs
    for module in net:
        if hasattr(module, "weight"):
            layers.append(Layer(str(len(layers)), values, module, None))
        functional.reset_net(module)
        values = module(values)
    meter = ActivityMeter()
    meter.add(layers, BATCH)
    return {name: value * BATCH for name, value in meter.metrics().items()}, meter.layers()


def test_accumulates_are_the_synops_where_no_weight_is_zero(made):
    net, shape = made
    inputs = drawn(STEPS, BATCH, *shape)
    found, layers = ours(net, inputs)
    assert (found["synops_ac"], 0) == theirs(net, inputs)
    assert all(0 < one["synops_ac"] < one["synops_dense"] for one in layers)


def test_a_zero_weight_is_an_operation_there_and_none_here():
    torch.manual_seed(0)
    connection = nn.Linear(40, 30)
    connection.weight.data[:12] = 0
    inputs = drawn(STEPS, BATCH, 40)
    found, _ = ours([connection], inputs)
    accumulates, _ = theirs(connection, inputs)
    spikes = inputs.count_nonzero().item()
    assert (accumulates, found["synops_ac"]) == (30 * spikes, 18 * spikes)


def test_multiplications_are_dense_there_and_effective_here():
    """Real values into the first layer, of which a third are zero; spikes into the second."""
    torch.manual_seed(0)
    net = nn.Sequential(layer.Conv2d(1, 4, 3), neuron.IFNode(0.3), layer.Conv2d(4, 2, 3))
    functional.set_step_mode(net, "m")
    inputs = drawn(STEPS, BATCH, 1, 8, 8, values=(0.0, 0.4, 0.9))
    found, layers = ours(net, inputs)
    accumulates, multiplications = theirs(net, inputs)
    assert multiplications == pytest.approx(layers[0]["synops_dense"] * BATCH)
    assert accumulates == found["synops_ac"] > 0
    assert found["synops_mac"] == layers[0]["synops_mac"] * BATCH < multiplications


def test_hidden_layers_of_a_plugins_own_network():
    """Only they are the same work: the readout is one product with the spikes' mean, not one a step."""
    bptt = pytest.importorskip("harness_spikingjelly.bptt")
    from harness.plugin import Params, Task

    task = Task("digits", "classification", (1, 8, 8), 10, 100)
    values = {"hidden": "40-30", "code": "poisson", "theta": 0.3}
    params = Params(**bptt.harness_presets().resolve("quick", "digits", values))
    torch.manual_seed(0)
    model = bptt.harness_build_model(task, params, torch.device("cpu")).eval()
    inputs = drawn(BATCH, 64, values=(0.0, 0.3, 1.0))
    spikes = bptt.harness_encode(model, inputs, torch.Generator().manual_seed(0))
    counter = SynOpCounter()
    with torch.no_grad():
        with DispatchCounterMode([counter]):
            bptt.harness_evaluate(model, spikes, False)
        layers = bptt.harness_evaluate(model, spikes, True).layers
    meter = ActivityMeter()
    meter.add(layers, BATCH)
    hidden = [one["synops_ac"] for one in meter.layers() if one["name"] != "readout"]
    assert len(hidden) == 2
    assert min(hidden) > 0
    assert counter.get_total() == pytest.approx(sum(hidden) * BATCH)
