"""Recorded layers are the model's own, and feed each other."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from harness.errors import InvalidOutput
from harness.plugin import Evaluation, Layer
from harness.worker import wiring

T, B = 5, 4
SPIKES = (torch.rand(T, B, 6, generator=torch.Generator().manual_seed(0)) < 0.5).float()
HIDDEN = (torch.rand(T, B, 8, generator=torch.Generator().manual_seed(1)) < 0.5).float()
FEWER = HIDDEN.clone()
FEWER[2, 1] = 0


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(8, 6))])
        self.recurrent = nn.Parameter(torch.ones(8, 8))
        self.readout = nn.Linear(8, 3)
        self.register_buffer("mask", torch.ones(3, 8), persistent=False)
        self.convolution = nn.Conv2d(1, 2, 3)


def delayed(spikes, steps=1):
    return torch.cat([torch.zeros_like(spikes[:steps]), spikes[:-steps]])


@pytest.fixture
def model():
    return Model()


def test_connections_of_the_model_and_views_of_them_pass(model):
    own = [
        model.weights[0],
        model.weights[0].T,
        model.recurrent[:4],
        model.readout,
        model.readout.weight,
        model.mask,
        model.convolution,
        model.weights[0].detach().view(6, 8),
    ]
    wiring.connections(
        [Layer(str(n), SPIKES, connection, None) for n, connection in enumerate(own)], model
    )


def test_other_connections_are_refused(model):
    for other in (
        torch.zeros_like(model.weights[0]),
        model.weights[0].clone(),
        model.weights[0] * 1,
        nn.Linear(8, 3),
    ):
        with pytest.raises(InvalidOutput, match="layer 'a': its connection is none of the model's"):
            wiring.connections([Layer("a", SPIKES, other, None)], model)


def evaluation(*layers, delay=0, scores=None):
    scores = torch.zeros(B, 3) if scores is None else scores
    return Evaluation(scores, [Layer(f"l{n}", *each) for n, each in enumerate(layers)], delay=delay)


@pytest.mark.parametrize(
    "layers",
    [
        [(SPIKES, None, HIDDEN), (HIDDEN, None, None)],
        [(SPIKES, None, HIDDEN), (delayed(HIDDEN), None, None)],
        [(SPIKES, None, HIDDEN), (0.3 * HIDDEN, None, None)],  # scaled after the neurons
        [(SPIKES, None, HIDDEN), (HIDDEN + delayed(HIDDEN), None, None)],  # a residual connection
        [(SPIKES, None, HIDDEN), (HIDDEN[..., torch.randperm(8)], None, None)],
        [(SPIKES, None, HIDDEN), (delayed(HIDDEN), None, None), (HIDDEN, None, None)],  # recurrent
        [(SPIKES, None, HIDDEN), (HIDDEN[..., :4], None, None)],  # pooled: another size
        [(SPIKES, None, HIDDEN), (torch.cat([SPIKES, HIDDEN], -1), None, None)],
        [(SPIKES, None, HIDDEN), (HIDDEN.mean(0, keepdim=True), None, None)],  # read out once
        [(SPIKES, None, SPIKES * 0), (SPIKES, None, None)],  # a second branch, of the inputs
        [(HIDDEN[..., :6], None, HIDDEN)],  # of another size in truth: not told apart
    ],
)  # fmt: skip
def test_what_feeds_a_layer_arrives_there(layers):
    inputs = layers[0][0]
    wiring.feeding(evaluation(*layers), inputs)


def test_a_delay_is_as_long_as_the_network_says():
    layers = [(SPIKES, None, HIDDEN), (delayed(HIDDEN, 3), None, None)]
    wiring.feeding(evaluation(*layers, delay=3), SPIKES)
    with pytest.raises(
        InvalidOutput, match="layer 'l1': its inputs have fewer values other than 0"
    ):
        wiring.feeding(evaluation(*layers, delay=1), SPIKES)


@pytest.mark.parametrize(
    ("layers", "encoded"),
    [
        ([(SPIKES, None, HIDDEN), (FEWER, None, None)], SPIKES),
        ([(SPIKES * 0, None, HIDDEN)], SPIKES),
        ([(SPIKES, None, HIDDEN / 3), (HIDDEN, None, None)], SPIKES),  # spikes out of real numbers
    ],
)
def test_what_does_not_arrive_is_told(layers, encoded):
    with pytest.raises(InvalidOutput, match="have fewer values other than 0 than what feeds it"):
        wiring.feeding(evaluation(*layers), encoded)


@pytest.mark.parametrize("kept", [slice(0, 1), slice(0, 3), slice(-2, None)])
def test_steps_of_the_input_that_are_not_recorded_are_told(kept):
    layers = [(SPIKES[kept], None, HIDDEN[kept]), (HIDDEN[kept], None, None)]
    told = f"layer 'l0' is recorded over {len(SPIKES[kept])} of the {T} steps of the encoded input"
    with pytest.raises(InvalidOutput, match=told):
        wiring.feeding(evaluation(*layers), SPIKES)
    wiring.feeding(evaluation(*layers), SPIKES[kept])
    wiring.feeding(evaluation((SPIKES, None, HIDDEN), (HIDDEN[-1:], None, None)), SPIKES)


def test_a_model_may_make_spikes_of_currents_itself():
    wiring.feeding(evaluation((SPIKES, None, HIDDEN)), torch.full_like(SPIKES, 0.3))
    constant = torch.full((B, 6), 0.3).expand(T, B, 6)
    wiring.feeding(evaluation((constant, None, HIDDEN)), constant)


def test_samples_of_which_nothing_arrives_have_equal_scores():
    silent = HIDDEN * torch.tensor([0.0, 0, 1, 1])[:, None]
    own = torch.tensor([[1.0, 2], [1, 2], [3, 4], [5, 6]])
    wiring.deciding(evaluation((silent, None, None), scores=own))
    wiring.deciding(evaluation(scores=own))
    with pytest.raises(InvalidOutput, match="layer 'l0' receives nothing for 2 samples of a batch"):
        wiring.deciding(evaluation((silent, None, None), scores=own.roll(1, 0).expand(T, B, 2)))
    # Not where something arrives by another path.
    wiring.deciding(evaluation((silent, None, None), (SPIKES, None, None), scores=own.roll(1, 0)))


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([(SPIKES, None, HIDDEN), (HIDDEN, None, None)], "l1"),
        ([(SPIKES, None, HIDDEN), (HIDDEN, None, HIDDEN)], "l1"),  # scores by output spikes
        ([(SPIKES, None, None), (SPIKES, None, HIDDEN), (HIDDEN, None, None)], "l0 l2"),
        ([(SPIKES, None, HIDDEN), (HIDDEN, None, None), (SPIKES, None, None)], "l1 l2"),
        ([(SPIKES, None, HIDDEN), (delayed(HIDDEN), None, None), (HIDDEN, None, None)], "l1 l2"),
        ([(SPIKES, None, SPIKES.flip(0)), (SPIKES, None, HIDDEN), (HIDDEN, None, None)], "l0 l2"),
        ([(SPIKES, None, HIDDEN), (HIDDEN[..., :4], None, None)], "l1"),  # pooled
        ([(SPIKES, None, HIDDEN * 0), (HIDDEN * 0, None, None), (SPIKES, None, None)], "l1 l2"),
    ],
)  # fmt: skip
def test_scores_come_from_what_no_other_layer_receives(layers, names):
    found = wiring.ends(evaluation(*layers), SPIKES)
    assert " ".join(layer.name for layer in found) == names


def test_no_operations_above_chance_are_refused():
    targets = torch.arange(200) % 10
    with pytest.raises(InvalidOutput, match=r"no synaptic operation, and 50\.0% of the validation"):
        wiring.operations({"synops_effective": 0}, 100, targets)
    wiring.operations({"synops_effective": 0}, 25, targets)  # within chance
    wiring.operations({"synops_effective": 0}, 150, targets.clamp(max=1))  # always 1 is as good
    wiring.operations({"synops_effective": 0}, 0, targets[:0])
    wiring.operations({"synops_effective": 1.0}, 200, targets)
    wiring.operations({}, 200, targets)  # nothing was counted, and the record says so
