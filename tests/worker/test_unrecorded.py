"""Weights that no recorded layer has count where the scores depend on them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from harness.plugin import Evaluation, Layer
from harness.worker.unrecorded import taking_part, unrecorded

SPIKES = torch.rand(1, 20, 6, generator=torch.Generator().manual_seed(0))


class Model(nn.Module):
    """A hidden layer, a readout, a path beside them, and a head that only training uses."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.readout = nn.Parameter(torch.randn(3, 8))
        self.beside = nn.Linear(6, 3)
        self.head = nn.Linear(8, 3)
        self.threshold = nn.Parameter(torch.zeros(1, 8))
        self.register_buffer("folded", torch.zeros(3, 6))

    def forward(self, inputs):
        hidden = (self.hidden(inputs) - self.threshold).relu()
        self.folded.copy_(2 * self.beside.weight)
        return hidden, hidden @ self.readout.T + inputs @ self.folded.T


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


def recorded(model, *connections):
    with torch.no_grad():
        _, scores = model(SPIKES[0])
    layers = [Layer(f"l{n}", SPIKES, each, None) for n, each in enumerate(connections)]
    return Evaluation(scores, layers)


def fact(model, connections, noise=0.0):
    def evaluate(values):
        torch.manual_seed(0)
        network = Model()
        network.load_state_dict(model.state_dict() | values)
        found = recorded(network, *connections(network))
        torch.seed()
        return Evaluation(found.scores + noise * torch.randn(20, 3), found.layers)

    return taking_part(unrecorded(recorded(model, *connections(model)).layers, model), evaluate)


def test_a_network_whose_layers_are_all_recorded_has_nothing_to_tell(model):
    """Neither of the head, which is not used, nor of the path's weight, which is folded into a buffer."""
    assert fact(model, lambda m: [m.hidden, m.readout, m.folded]) == {}
    assert (
        fact(model, lambda m: [m.hidden.weight.T, m.readout[:, :4], m.readout[:, 4:], m.folded])
        == {}
    )


def test_weights_that_decide_are_named_with_their_share(model):
    assert fact(model, lambda m: [m.folded]) == {
        "unrecorded": {"names": ["readout", "hidden.weight"], "share": (48 + 24) / (48 + 24 + 18)}
    }
    told = fact(model, lambda m: [m.hidden, m.readout])["unrecorded"]
    assert told == {"names": ["beside.weight"], "share": 18 / (48 + 24 + 18)}


def test_a_part_of_a_weight_counts_alone(model):
    told = fact(model, lambda m: [m.hidden, m.readout[:, :4], m.folded])["unrecorded"]
    assert told == {"names": ["readout"], "share": 12 / (48 + 24 + 18)}


def test_nothing_is_tried_on_a_network_whose_answers_change_by_themselves(model):
    assert fact(model, lambda m: [m.folded], noise=1.0) == {}


def test_without_a_recorded_layer_there_is_nothing_to_compare(model):
    assert fact(model, lambda m: []) == {}


def test_what_fails_without_a_weight_depends_on_it(model):
    def evaluate(values):
        if values:
            raise ZeroDivisionError
        return recorded(model)

    missing = unrecorded(recorded(model, model.hidden).layers, model)
    assert "head.weight" in taking_part(missing, evaluate)["unrecorded"]["names"]


def test_a_value_for_each_neuron_is_no_weight():
    images = torch.rand(1, 2, 3, 5, 5)
    model = nn.Sequential(nn.Conv2d(3, 3, 1))
    model.threshold = nn.Parameter(torch.ones(1, 3, 5, 5))
    layers = [Layer("conv", images, model[0], images)]
    assert not unrecorded(layers, model).values
    model.other = nn.Parameter(torch.ones(3, 5, 4))
    assert list(unrecorded(layers, model).values) == ["other"]
