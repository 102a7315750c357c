"""A network that is written as a graph of NIR spikes as before when it is read back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
nir = pytest.importorskip("nir", reason="the extra nir is not installed")

from harness.errors import UsageError
from harness.plugin import Layer, Neuron, Params, Unsupported
from harness.protocol.requests import ExportNetwork
from harness.subjects import PluginLocation
from harness.worker import nir as exporting
from harness.worker import state
from harness.worker.seeds import seed_everything


@pytest.fixture
def network(hooks, data, arrays, tmp_path, trial_of):
    """An untrained network of two hidden layers, its hooks, and the request to export it."""

    def make(fault="", dt=None, **params):
        own = hooks(fault, base="literal_lif")
        changed = {"hidden": "24-16", "steps": 12, "gain": 3.0, **params}
        values = own.presets().resolve("quick", "digits", changed)
        trial = trial_of(**values)
        seed_everything(0)
        model = own.build_model(data.task, Params(**values), torch.device("cpu"))
        path = str(tmp_path / "state.safetensors")
        state.save(model, path)
        request = ExportNetwork(
            plugin=PluginLocation("mine"), trial=trial, data=arrays, state=path,
            path=str(tmp_path / "graph.nir"), dt=dt,
        )  # fmt: skip
        return own, model.eval(), request

    return make


def export(own, request):
    return exporting.export(request, own, lambda _: None)


def encoded(own, model, data):
    inputs = data.test.take_inputs(slice(0, 20))
    return own.encode(model, inputs, torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("params", "dt"),
    [
        ({}, None),
        ({"beta": 0.5, "theta": 0.7}, 1e-4),
        ({"code": "poisson"}, None),
        ({"beta": 0.0}, None),
    ],
)
def test_the_graph_has_the_neurons_of_the_network(network, params, dt):
    own, model, request = network(dt=dt, **params)
    told = export(own, request)
    assert told.facts == {
        "neurons": 40.0, "layers": 3.0, "differ": pytest.approx(0, abs=1e-3), "dt": dt or 1e-3
    }  # fmt: skip
    graph = nir.read(request.path)
    beta, theta = params.get("beta", 0.9), params.get("theta", 1.0)
    kinds = [type(node).__name__ for node in exporting._in_order(graph)]
    assert kinds == ["Input", "Affine", "LIF", "Affine", "LIF", "Affine", "Output"]
    for node in graph.nodes.values():
        if isinstance(node, nir.LIF):
            assert 1 - (dt or 1e-3) / node.tau == pytest.approx(beta, abs=1e-6)
            assert (node.r == 1).all() and (node.v_leak == 0).all()
            assert node.v_threshold == pytest.approx(theta)
    weight = graph.nodes["affine"].weight * (1 - beta)
    assert weight == pytest.approx(model.weights[0].detach().numpy(), abs=1e-5)
    assert graph.metadata["dt"] == (dt or 1e-3)
    assert graph.metadata["plugin"] == "mine"


def test_neurons_without_leak_are_ifs(network):
    own, _, request = network(beta=1.0)
    assert export(own, request).facts["differ"] < 1e-3
    (first, _) = [n for n in nir.read(request.path).nodes.values() if isinstance(n, nir.IF)]
    assert first.r * 1e-3 == pytest.approx(1.0)


def test_norse_reads_the_network_and_answers_as_it_does(network, data):
    """Norse's LIF of a graph resets to a value by default: with its reset by subtraction, it is ours."""
    norse = pytest.importorskip("norse.torch", reason="Norse reads NIR, and is not installed")
    from norse.torch.functional.reset import reset_subtract

    own, model, request = network(code="poisson", max_rate=0.5)
    export(own, request)
    with pytest.warns(DeprecationWarning, match="nirtorch"):
        read = norse.from_nir(nir.read(request.path), dt=1e-3)
    cells = [m for m in read.modules() if isinstance(m, norse.LIFBoxCell)]
    assert len(cells) == 2
    for cell in cells:
        cell.p = cell.p._replace(reset_method=reset_subtract)
    spikes = encoded(own, model, data)
    layers = own.evaluate(model, spikes, True).layers
    currents, memory = [], None
    for step in spikes:
        out, memory = read(step, memory)
        currents.append(out)
    ours = layers[-1].inputs @ model.weights[-1].T
    assert layers[1].outputs.mean() > 0.02  # they do spike
    close = torch.isclose(torch.stack(currents), ours, atol=1e-4)
    assert close.float().mean() > 0.999


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("harness_neuron = None", r"mine does not say which neuron it uses \(harness_neuron\)"),
        ("BETA = 0.1", "NIR's equations give other spikes than the network does: [1-9]"),
    ],
)
def test_what_nir_cannot_say_is_refused_and_leaves_no_file(network, tmp_path, fault, told):
    own, _, request = network(fault)
    with pytest.raises(Unsupported, match=told):
        export(own, request)
    assert not (tmp_path / "graph.nir").exists()


def test_convolutions_are_refused(network):
    own, _, request = network(network="conv", channels="4", steps=3)
    with pytest.raises(Unsupported, match="layer conv1 is a Conv2d: only linear layers"):
        export(own, request)


def layer(name, inputs, outputs, weight=None, **options):
    weight = torch.eye(4) if weight is None else weight
    return Layer(name, inputs, weight, outputs, **options)


def test_only_a_chain_of_spiking_layers_and_a_readout_is_said():
    spikes, other = torch.ones(3, 2, 4), torch.zeros(3, 2, 4)
    fine = [layer("a", spikes, other), layer("b", other, None)]
    exporting.check_chain(fine, spikes)
    for layers, told in [
        (fine[:1], "its last layer is no readout"),
        ([fine[1]], "there is no layer before that"),
        ([layer("a", other, spikes), layer("b", spikes, None)], "layer a does not receive"),
        ([fine[0], layer("b", spikes, None)], "layer b does not receive what the layer before it"),
        ([layer("a", spikes, other, spiking=False), fine[1]], "layer a does not spike"),
        ([layer("a", spikes, None), layer("b", spikes, None)], "layer a has no neurons"),
    ]:
        with pytest.raises(Unsupported, match=told):
            exporting.check_chain(layers, spikes)


def test_a_bias_and_a_module_are_kept(tmp_path):
    linear = torch.nn.Linear(4, 5)
    spikes, emitted = torch.ones(3, 2, 4), torch.zeros(3, 2, 5)
    layers = [Layer("a", spikes, linear, emitted), Layer("b", emitted, torch.ones(2, 5), None)]
    graph = exporting.graph_of(nir, layers, Neuron(beta=0.75), 1e-3)
    assert graph.nodes["affine"].bias == pytest.approx(4 * linear.bias.detach().numpy())
    assert (graph.nodes["affine_1"].weight == 1).all()


def test_another_reset_is_refused():
    spikes = torch.ones(3, 2, 4)
    with pytest.raises(Unsupported, match="reset to 0"):
        exporting.graph_of(nir, [layer("a", spikes, spikes)], Neuron(0.9, reset="zero"), 1e-3)


def test_a_nir_whose_neurons_reset_to_a_potential_is_refused(network, monkeypatch):
    own, _, request = network()
    monkeypatch.setitem(nir.LIF.__dataclass_fields__, "v_reset", None)
    with pytest.raises(
        UsageError, match=r"install the version that says it, pip install 'nir<1.0.6'"
    ):
        export(own, request)


def test_without_nir_the_extra_is_named(network, monkeypatch):
    own, _, request = network()
    monkeypatch.setitem(__import__("sys").modules, "nir", None)
    with pytest.raises(UsageError, match=r"pip install 'snn-harness\[nir\]'"):
        export(own, request)
