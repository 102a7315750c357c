"""The host's figures against NeuroBench's own, on the same networks and data.

`tox -e neurobench`, or `uv run --group neurobench pytest tests/measure/test_neurobench.py`.
"""

from __future__ import annotations

import warnings

import pytest

torch = pytest.importorskip("torch")
snntorch = pytest.importorskip("snntorch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("neurobench")
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
    from neurobench.metrics.workload import ActivationSparsity, SynapticOperations
    from neurobench.models import SNNTorchModel, TorchModel

from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from harness.measure.activity import ActivityMeter
from harness.measure.memory import footprint
from harness.plugin import Layer, Params
from harness.subjects import PluginLocation

pytestmark = pytest.mark.neurobench

CONNECTIONS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
SAMPLES = 32  # a power of two: NeuroBench multiplies and divides its sparsity by it, here exactly
STEPS = 6


def neurobenchs(model, inputs, batch):
    """NeuroBench's results for `inputs` [N, ...], in batches of `batch`."""
    data = DataLoader(TensorDataset(inputs, torch.zeros(len(inputs))), batch_size=batch)
    static = [ParameterCount, Footprint, ConnectionSparsity]
    benchmark = Benchmark(model, data, [], [], [static, [ActivationSparsity, SynapticOperations]])
    with torch.no_grad():
        return benchmark.run(quiet=True)


def recorded(net, inputs):
    """The layers of a chain `net` for `inputs` [T, B, ...], as a plugin records them."""
    layers, values = [], inputs
    for number, module in enumerate(net):
        received = values
        if isinstance(module, snntorch.SpikingNeuron):
            module.reset_mem()
        with torch.no_grad():
            values = torch.stack([_spikes(module(step)) for step in received.unbind(0)])
        if isinstance(module, CONNECTIONS):
            layers.append(Layer(str(number), received, module, None, spiking=False))
        elif isinstance(module, (snntorch.SpikingNeuron, nn.ReLU)):
            last = layers.pop()
            spiking = isinstance(module, snntorch.SpikingNeuron)
            layers.append(Layer(last.name, last.inputs, last.connection, values, spiking))
    return layers


def _spikes(found):
    return found[0] if isinstance(found, tuple) else found


def ours(net, inputs, batch):
    """The same figures by the host's code, under NeuroBench's names."""
    net = fresh(net)
    meter, size = ActivityMeter(), footprint(net)
    for part in inputs.split(batch):
        timed = part.transpose(0, 1) if any(map(_is_spiking, net)) else part.unsqueeze(0)
        meter.add(recorded(net, timed), len(part))
    return renamed(meter.metrics() | size)


def renamed(metrics):
    return {
        "ParameterCount": metrics["parameters"],
        "Footprint": metrics["footprint_bytes"],
        "ConnectionSparsity": round(metrics["connection_sparsity"], 4),
        "ActivationSparsity": metrics["activation_sparsity"],
        "SynapticOperations": {
            "Effective_MACs": metrics["synops_mac"],
            "Effective_ACs": metrics["synops_ac"],
            "Dense": metrics["synops_dense"],
        },
    }


def fresh(net):
    """`net` as made: a neuron's state is a buffer, which an earlier run leaves in the footprint."""
    for module in filter(_is_spiking, net):
        module.mem = torch.zeros(0)
    return net


def _is_spiking(module):
    return isinstance(module, snntorch.SpikingNeuron)


def drawn(*shape, values=(0.0, 1.0), seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.tensor(values)[torch.randint(len(values), shape, generator=draws)]


def leaky(**options):
    return snntorch.Leaky(beta=0.9, threshold=0.3, init_hidden=True, **options)


def pruned(net, share=0.3):
    """`net` with that share of every connection's weights set to zero."""
    for number, module in enumerate(m for m in net if isinstance(m, CONNECTIONS)):
        draws = torch.Generator().manual_seed(number)
        kept = torch.rand(module.weight.shape, generator=draws) >= share
        module.weight.data *= kept
    return net


def spiking_fully_connected():
    net = nn.Sequential(
        nn.Linear(40, 30), leaky(), nn.Linear(30, 20), leaky(), nn.Linear(20, 10),
        leaky(output=True),
    )  # fmt: skip
    return net, drawn(SAMPLES, STEPS, 40)


def spiking_fed_by_currents():
    """A constant current, as most plugins encode an image: MACs first, ACs after."""
    net = nn.Sequential(nn.Linear(40, 30), leaky(), nn.Linear(30, 10), leaky(output=True))
    image = drawn(SAMPLES, 1, 40, values=(0.0, 0.25, 0.5, 1.0))
    return net, image.expand(-1, STEPS, -1)


def spiking_fed_by_events():
    """Events of both signs are still accumulated."""
    net = nn.Sequential(nn.Linear(40, 30), leaky(), nn.Linear(30, 10), leaky(output=True))
    return net, drawn(SAMPLES, STEPS, 40, values=(0.0, 1.0, -1.0))


def spiking_convolutional():
    """Padding, stride, dilation and groups; pooled spikes are no longer 0 or 1."""
    net = nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), leaky(),
        nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2, bias=False), leaky(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 8, 2, dilation=2, padding=(0, 1)), leaky(),
        nn.Flatten(), nn.Linear(8 * 2 * 4, 10), leaky(output=True),
    )  # fmt: skip
    return net, drawn(SAMPLES, STEPS, 2, 16, 16)


def relu_fully_connected():
    net = nn.Sequential(
        nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 20, bias=False), nn.ReLU(), nn.Linear(20, 10)
    )
    return net, drawn(SAMPLES, 40, values=(0.0, 0.1, 0.7))


def relu_convolutional():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, padding_mode="circular"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, (3, 2), stride=(2, 1), padding="valid"), nn.ReLU(),
        nn.Flatten(), nn.Linear(8 * 3 * 6, 10),
    )  # fmt: skip
    return net, drawn(SAMPLES, 1, 14, 14, values=(0.0, 0.3, 1.0))


def relu_over_time():
    """Convolutions of one and of three dimensions."""
    net = nn.Sequential(
        nn.Conv1d(3, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Unflatten(2, (2, 2, 2)),
        nn.Conv3d(4, 5, 2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 27, 10),
    )  # fmt: skip
    return net, drawn(SAMPLES, 3, 16, values=(0.0, 0.5))


NETWORKS = [
    spiking_fully_connected,
    spiking_fed_by_currents,
    spiking_fed_by_events,
    spiking_convolutional,
    relu_fully_connected,
    relu_convolutional,
    relu_over_time,
]


@pytest.fixture(params=NETWORKS, ids=lambda make: make.__name__)
def made(request):
    torch.manual_seed(0)
    net, inputs = request.param()
    return pruned(net).eval(), inputs


def wrapped(net):
    return (SNNTorchModel if any(map(_is_spiking, net)) else TorchModel)(fresh(net))


def test_every_figure_is_neurobenchs_to_the_last_digit(made):
    net, inputs = made
    theirs = neurobenchs(wrapped(net), inputs, SAMPLES)
    assert 0 < theirs["ActivationSparsity"] < 1  # a silent network would prove nothing
    assert 0.25 < theirs["ConnectionSparsity"] < 0.35
    assert ours(net, inputs, SAMPLES) == theirs


def test_over_several_batches_the_operations_are_still_equal(made):
    """NeuroBench averages each batch's sparsity, which rounds; operations it adds up, as we do."""
    net, inputs = made
    theirs = neurobenchs(wrapped(net), inputs, 7)
    found = ours(net, inputs, 7)
    assert found["SynapticOperations"] == theirs["SynapticOperations"]
    assert found["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"], abs=1e-15)
    assert found == ours(net, inputs, SAMPLES)


def test_every_sample_counts_not_the_first_of_a_batch():
    """NeuroBench issue 258: a neuron that hands over spikes alone was read as its first sample."""
    net = nn.Sequential(nn.Linear(3, 4), leaky(), nn.Linear(4, 2), leaky(output=True))
    for module in net:
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.weight, 1.0)
            nn.init.constant_(module.bias, -0.5)
    inputs = torch.zeros(2, STEPS, 3)
    inputs[1] = 1  # the first sample is silent, the second is not
    found = ours(net, inputs, 2)
    assert found["ActivationSparsity"] == 0.5
    assert found == neurobenchs(wrapped(net), inputs, 2)


def test_a_layer_of_mixed_inputs_is_one_kind_here_and_depends_on_the_batch_there():
    """What differs by definition: how the effective operations are split, never their sum."""
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    inputs = torch.ones(4, 4)
    inputs[3, 0] = 0.5
    by_batch = {}
    for batch in (1, 2, 4):
        theirs = neurobenchs(wrapped(net), inputs, batch)["SynapticOperations"]
        by_batch[batch] = (theirs["Effective_ACs"], theirs["Effective_MACs"])
        found = ours(net, inputs, batch)["SynapticOperations"]
        assert (found["Effective_ACs"], found["Effective_MACs"]) == (0, 12)
        assert sum(by_batch[batch]) == 12
    assert by_batch == {1: (9, 3), 2: (6, 6), 4: (0, 12)}


def test_above_the_range_of_float32_ours_stay_exact():
    """NeuroBench sums in the network's precision; in float64 it is exact too, and the same."""
    torch.manual_seed(0)
    net = pruned(nn.Sequential(nn.Linear(701, 499), nn.ReLU()))
    inputs = drawn(101, 701, values=(0.0, 0.5))
    found = ours(net, inputs, 101)["SynapticOperations"]
    assert found["Dense"] * 101 == 101 * 701 * 499 > 2**24
    single = neurobenchs(wrapped(net), inputs, 101)["SynapticOperations"]
    double = neurobenchs(wrapped(net.double()), inputs.double(), 101)["SynapticOperations"]
    assert found == double
    assert found == pytest.approx(single, rel=1e-6)


class Spelled(nn.Module):
    """A plugin's own trained network, spelled out in modules that NeuroBench finds by their type."""

    def __init__(self, weights, encode, neurons):
        super().__init__()
        self.layers = nn.ModuleList()
        for weight in weights:
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            layer.weight.data = weight.detach()
            self.layers.append(layer)
        self.activations = nn.ModuleList(Emits(neurons) for _ in self.layers[:-1])
        self.encode = encode

    def forward(self, inputs):
        values = self.encode(inputs)
        for layer, emits in zip(self.layers, self.activations):
            values = emits(layer(values))
        return self.layers[-1](values).mean(0)


class Emits(nn.Module):
    def __init__(self, neurons):
        super().__init__()
        self.neurons = neurons

    def forward(self, currents):
        return self.neurons(currents)


class SpelledRecurrent(Spelled):
    """The same with a recurrent connection in each hidden layer, which is called in every step."""

    def __init__(self, model, encode):
        super().__init__(model.weights, encode, None)
        self.recurrent = nn.ModuleList()
        for weight in model.recurrence.weights:
            layer = nn.Linear(len(weight), len(weight), bias=False)
            layer.weight.data = weight.detach()
            self.recurrent.append(layer)
        self.step = model.step

    def forward(self, inputs):
        values = self.encode(inputs)
        for layer, recurrent, emits in zip(self.layers, self.recurrent, self.activations):
            currents = layer(values)
            spikes, emitted, state = torch.zeros_like(currents[0]), [], [None]

            def one_step(current, state=state):
                fired, state[0] = self.step(current, state[0])
                return fired

            emits.neurons = one_step
            for current in currents.unbind(0):
                spikes = emits(current + recurrent(spikes))
                emitted.append(spikes)
            values = torch.stack(emitted)
        return self.layers[-1](values).mean(0)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("native-dfa", {"code": "rate"}),
        ("native-dfa", {"code": "poisson"}),
        ("native-bptt", {"code": "latency"}),
        ("native-bptt", {"code": "poisson", "network": "recurrent"}),
        ("native-bptt", {"code": "rate", "network": "recurrent"}),
        ("ann-relu", {}),
    ],
)
def test_a_plugin_that_the_host_trained_and_evaluated(name, overrides, tmp_path):
    pytest.importorskip("harness_native")
    from harness_native.neurons import lif

    from harness.tasks import find
    from harness.tasks.prepare import prepare_task
    from harness.worker.data import load
    from harness.worker.evaluate import BATCH, ENCODE_SEED, answer
    from harness.worker.hooks import Hooks
    from harness.worker.train import generator, seed_everything, train

    cpu = torch.device("cpu")
    module = f"harness_native.{name.removeprefix('native-').replace('-', '_')}"
    hooks = Hooks(PluginLocation(name, module))
    data = load("digits", str(prepare_task(find("digits"), [], tmp_path, lambda _: None)[0]), cpu)
    small = {"epochs": 1, "hidden": "40-30"}
    params = Params(**hooks.presets().resolve("quick", "digits", small | overrides))
    seed_everything(0)
    model = hooks.build_model(data.task, params, cpu)
    train(hooks, model, params, data.train, 0, lambda _: None)
    metrics = answer(hooks, model, data.test, 10, record=True).activity.metrics()

    draws = generator(ENCODE_SEED, cpu)
    if name == "ann-relu":
        spelled = Spelled([layer.weight for layer in model.layers], nn.Flatten(), torch.relu)
        for mine, layer in zip(spelled.layers, model.layers):
            mine.bias = layer.bias
    else:
        neurons = getattr(model, "neurons", lambda currents: lif(currents, model.lif)[0])
        encode = lambda inputs: hooks.encode(model, inputs, draws)  # noqa: E731
        if params.__dict__.get("network") == "recurrent":
            spelled = SpelledRecurrent(model, encode)
        else:
            spelled = Spelled(model.weights, encode, neurons)
    theirs_of = TorchModel(spelled)
    theirs_of.add_activation_module(Emits)
    inputs = data.test.take_inputs(slice(0, len(data.test)))
    theirs = neurobenchs(theirs_of, inputs, BATCH)
    found = renamed(metrics | footprint(spelled))
    sparsities = found.pop("ActivationSparsity"), theirs.pop("ActivationSparsity")
    assert sparsities[0] == pytest.approx(sparsities[1], abs=1e-15)
    assert 0 < sparsities[0] < 1
    assert found == theirs
