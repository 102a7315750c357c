"""Recurrent layers and adaptive thresholds: the sums, what is recorded, what is refused."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.measure.activity import ActivityMeter
from harness.plugin import Params, Task, Unsupported
from harness.plugin.toolkit import bptt, recurrence
from harness.worker import wiring
from harness.worker.checks import layers as check_layers
from harness.worker.proof.in_use import EQUAL, neuron_in_use

CPU = torch.device("cpu")
TASK = Task("tiny", "classification", (6,), 3, 100)


class Sequences(bptt.SpikingNetwork):
    """Neurons that run whole sequences only."""

    def neurons(self, currents):
        return recurrence.run(currents, self.one_step)

    def one_step(self, currents, state):
        membrane = currents if state is None else self.params.beta * state + currents
        spikes = Spike.apply(membrane - self.params.theta, self.params.slope / self.params.theta)
        return spikes, membrane - self.params.theta * spikes.detach()


class Network(Sequences):
    """The textbook's neurons."""

    def step(self, currents, state):
        return self.one_step(currents, state)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v, slope):
        ctx.save_for_backward(v)
        ctx.slope = slope
        return (v >= 0).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad / (1 + ctx.slope * ctx.saved_tensors[0].abs()) ** 2, None


def built(kind=Network, **overrides):
    values = {"network": "recurrent", "hidden": "8-5", "steps": 7, "gain": 3.0, **overrides}
    params = Params(**bptt.presets(("fast_sigmoid",)).resolve("quick", "tiny", values))
    torch.manual_seed(0)
    return kind(TASK, params, CPU)


def spikes(steps=7, samples=4):
    draws = torch.Generator().manual_seed(0)
    return (torch.rand(steps, samples, TASK.inputs, generator=draws) < 0.5).float()


def test_the_other_weights_are_those_of_the_network_without_recurrence():
    ours, theirs = built(), built(network="dense")
    assert theirs.recurrence is None
    assert all(map(torch.equal, ours.weights, theirs.weights))
    assert [tuple(weight.shape) for weight in ours.recurrence.weights] == [(8, 8), (5, 5)]
    scale = built(hidden="400", recurrent_gain=0.7).recurrence.weights[0].std().item() * 20
    assert scale == pytest.approx(0.7, rel=0.02)


def test_without_recurrent_weights_it_is_the_feed_forward_network():
    ours, theirs = built(recurrent_gain=0.0), built(network="dense")
    assert all(map(torch.equal, ours(spikes()), theirs(spikes())))


def test_a_neuron_receives_its_layers_spikes_of_the_step_before():
    """A ring: each neuron hands its spike to the next one."""
    network = built(hidden="4", beta=0.0)
    with torch.no_grad():
        network.weights[0].zero_()[0, 0] = 1
        network.recurrence.weights[0].copy_(torch.eye(4).roll(1, 0))
    once = torch.zeros(7, 1, 6)
    once[0, 0, 0] = 1
    found = network.eval()(once)[1][:, 0]
    assert torch.equal(found, torch.eye(4).repeat(2, 1)[:7])


def test_a_threshold_rises_with_each_spike_and_falls_back():
    """theta is 1, b is 1 and rho is 1/2; a current of 1.75 in every step, no memory in the membrane."""
    adaptive = recurrence.Adaptation(1.0, 0.5, 0.0)
    step = built(beta=0.0).step
    found = recurrence.run(torch.full((7, 1, 1), 1.75), step, None, adaptive).flatten()
    # The threshold before each step: 1, 2, 1.5, 2.25, 1.625, 2.3125, 1.65625
    assert found.tolist() == [1, 0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("detach", [True])
@pytest.mark.parametrize("adaptive", [0.0, 0.01, 1.0])
def test_the_neuron_in_use_is_proved(adaptive, detach):
    network = built(adaptive=adaptive, detach=detach, theta=0.75, beta=0.9)
    used = bptt.harness_neuron(network)
    assert (used.neuron.adaptation > 0) == (adaptive > 0)
    assert neuron_in_use(used, network.params, CPU) == EQUAL


@pytest.mark.parametrize("change", [{"adaptation": 0.2}, {"adaptation_decay": 0.9}])
def test_another_adaptation_than_the_rows_is_told(change):
    used = bptt.harness_neuron(built(adaptive=1.0))
    params = built(adaptive=1.0, **change).params
    claimed = bptt.harness_neuron(built(adaptive=1.0, **change))
    told = neuron_in_use(type(used)(claimed.neuron, used.spikes), params, CPU)
    assert told.startswith("another neuron: ")
    assert "spikes differ" in told


def test_a_share_of_the_neurons_is_adaptive():
    assert built(adaptive=0.5).recurrence.adaptation(8).rise.tolist() == pytest.approx(
        [0.1] * 4 + [0] * 4
    )
    assert built(adaptive=0.001).recurrence.adaptation(8).rise.count_nonzero() == 1
    assert built().recurrence.adaptation(8) is None


@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recorded_layers_do_the_networks_work(adaptive):
    network, inputs = built(adaptive=adaptive, recurrent_gain=2.0).eval(), spikes()
    evaluation = bptt.harness_evaluate(network, inputs, record=True)
    check_layers(evaluation.layers, 4)
    wiring.connections(evaluation.layers, network)
    wiring.feeding(evaluation, inputs)
    names = ["hidden1", "hidden1 recurrent", "hidden2", "hidden2 recurrent", "readout"]
    assert [layer.name for layer in evaluation.layers] == names
    meter = ActivityMeter()
    meter.add(evaluation.layers, 4)
    layers = {layer["name"]: layer for layer in meter.layers()}
    hidden = network(inputs)[1:]
    for number, emitted in enumerate(hidden, start=1):
        n = emitted.shape[-1]
        counted = layers[f"hidden{number} recurrent"]
        # Every spike but those of the last step arrives at all of its layer's neurons.
        assert counted["synops_ac"] == n * emitted[:-1].sum().item() / 4 > 0
        assert counted["synops_mac"] == 0
        assert counted["synops_dense"] == 7 * n * n
    total = sum(emitted.sum().item() for emitted in hidden) / 4
    assert meter.metrics()["spikes_per_sample"] == total
    scores = bptt.harness_evaluate(network, inputs, record=False).scores
    torch.testing.assert_close(scores, evaluation.scores[-1])


def test_a_constant_current_gives_the_same():
    network = built().eval()
    constant = torch.rand(4, TASK.inputs)
    expanded = network(constant.expand(7, -1, -1))[-1]
    assert torch.equal(expanded, network(constant.expand(7, -1, -1).clone())[-1])


def test_within_a_layer_nothing_is_dropped():
    network = built(dropout=0.5, hidden="200").train()
    kept = network(spikes())[1].amax(0)
    with torch.no_grad():
        network.recurrence.weights[0].zero_()
    assert set(kept.unique().tolist()) == {0.0, 2.0}


def test_a_trained_state_comes_back():
    trained, fresh = built(lr=0.1), built(lr=0.1)
    bptt.harness_train_step(trained, spikes(), torch.arange(4) % 3)
    changed = (trained.recurrence.weights[0] != fresh.recurrence.weights[0]).float().mean()
    assert changed > 0.5
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(trained.eval()(spikes())[-1], fresh.eval()(spikes())[-1])


def test_neurons_without_a_single_step_are_refused():
    with pytest.raises(Unsupported, match="network=recurrent needs one step of the neurons"):
        built(Sequences)
    assert built(Sequences, network="dense").recurrence is None


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_adaptive_thresholds_without_recurrence_are_refused(network):
    with pytest.raises(
        Unsupported, match=f"adaptive=0.5 needs network=recurrent, and this is {network}"
    ):
        built(network=network, adaptive=0.5)
