"""The networks of native-superspike's presets `source` and `source-network`, written out."""

from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch")
superspike = pytest.importorskip("harness_native.superspike")

from harness.plugin import Params, Task, Unsupported

pytestmark = pytest.mark.native

CPU = torch.device("cpu")
ONE = Task("tiny-train", "spike-train", (6,), classes=1, train_size=1, steps=40)


def build(preset, task, **overrides):
    name = "spike-train" if task.kind == "spike-train" else task.name
    params = Params(**superspike.harness_presets().resolve(preset, name, overrides))
    torch.manual_seed(2)
    return superspike.harness_build_model(task, params, CPU).double()


# --- a single neuron ------------------------------------------------------------------------------


def single(weight=6.0, **overrides):
    """A neuron of which the positive weights make some spikes."""
    model = build("source", ONE, epochs=3, **overrides)
    with torch.no_grad():
        model.weights.copy_(weight * torch.randn(6).abs().add(1))
    return model


def pattern(samples=1):
    draws = torch.Generator().manual_seed(1)
    spikes = torch.rand(40, samples, 6, generator=draws) < 0.15
    targets = torch.zeros(40, samples, 1)
    targets[[12, 30]] = 1
    return spikes.double(), targets.double()


def double_exponential(train, rise, decay, dt=0.1):
    z = z_hat = 0.0
    found = []
    for value in train:
        z, z_hat = z + (-z / rise + value) * dt, z_hat + (-z_hat + z) * dt / decay
        found.append(z_hat)
    return found


def literal_neuron(model, spikes):
    """Fine input trains, spikes S[k] and potentials U[k - 1], in mV above rest."""
    trains = [[0.0] * 400 for _ in range(6)]
    for step in range(40):
        for j in range(6):
            if spikes[step, j]:
                trains[j][10 * step + int(model.place[step, j])] = 1.0
    weights = model.weights.tolist()
    mem, syn, quiet, fired, before = -60.0, 0.0, 0, [], []
    for k in range(400):
        before.append(mem + 60)
        decay = math.exp(-0.1 / 10)
        mem = -60 + decay * (mem + 60) + (1 - decay) * syn
        syn = math.exp(-0.1 / 5) * syn + sum(w * x[k] for w, x in zip(weights, trains))
        if quiet:
            mem, quiet = -60.0, quiet - 1
        fired.append(float(mem > -50))
        if fired[-1]:
            mem, quiet = -60.0, 50
    return trains, fired, before


def test_the_single_neuron_is_its_equations():
    model, (spikes, _) = single(), pattern(samples=2)
    found = superspike.harness_evaluate(model, spikes, record=True)
    for sample in range(2):
        _, fired, _ = literal_neuron(model, spikes[:, sample])
        assert sum(fired) >= 2
        coarse = [max(fired[10 * t : 10 * t + 10]) for t in range(40)]
        assert found.scores[:, sample, 0].tolist() == coarse
    assert found.layers[0].inputs is spikes
    assert found.layers[0].connection.shape == (1, 6)


def test_its_update_is_the_rule_forwards_in_time_at_every_synapse():
    model, (spikes, targets) = single(), pattern()
    before = model.weights.detach().clone()
    trains, fired, potentials = literal_neuron(model, spikes[:, 0])
    wanted = [0.0] * 400
    wanted[120] = wanted[300] = 1.0
    error = double_exponential([w - s for w, s in zip(wanted, fired)], 5, 10)
    directions = []
    for train in trains:
        presynaptic = double_exponential(train, 5, 10)
        hebbian = [x / (1 + abs(u - 10)) ** 2 for x, u in zip(presynaptic, potentials)]
        eligible = double_exponential(hebbian, 5, 10)
        directions.append(sum(e * s for e, s in zip(error, eligible)))
    caught = []
    model.optimizer.step = caught.append
    scalars = superspike.harness_train_sequence(model, spikes, targets)
    assert min(map(abs, directions)) > 1e-6
    assert caught[0][0].tolist() == pytest.approx(directions, rel=1e-9)
    silent = sum(e * e for e in double_exponential(wanted, 5, 10))
    assert scalars["loss"] == pytest.approx(sum(e * e for e in error) / silent)
    assert torch.equal(model.weights, before)


def test_it_rests_after_a_spike_for_as_long_as_it_should():
    model = single()
    fired, _ = model.run([300.0] * 400)
    times = [k for k, s in enumerate(fired) if s]
    assert len(times) > 3
    assert all(later - sooner > 50 for sooner, later in itertools.pairwise(times))


def test_an_input_spike_is_at_a_step_of_its_own():
    model, (spikes, _) = single(), pattern()
    fine = model.fine(spikes)
    assert fine.shape == (400, 1, 6)
    assert torch.equal(fine.view(40, 10, 1, 6).sum(1), spikes)
    assert len(set(model.place.flatten().tolist())) == 10


def test_it_fits_a_spike_train_and_its_state_round_trips():
    model, again = build("source", ONE, rate=0.5), build("source", ONE)
    spikes, targets = pattern()
    first = superspike.harness_train_sequence(model, spikes, targets)["loss"]
    for _ in range(150):
        last = superspike.harness_train_sequence(model, spikes, targets)["loss"]
    assert last < 0.6 * first
    found = superspike.harness_evaluate(model, spikes, False).scores
    assert found.any()
    again.place.add_(1).fmod_(10)
    again.load_state_dict(model.state_dict())
    assert torch.equal(superspike.harness_evaluate(again, spikes, False).scores, found)


def test_it_refuses_what_is_no_single_spike_train():
    with pytest.raises(Unsupported, match="one spike train"):
        build("source", Task("many", "spike-train", (6,), classes=2, train_size=1, steps=40))


# --- spiking neurons and a leaky readout ----------------------------------------------------------

CLASSES = Task("randman", "classification", (6,), classes=3, train_size=9, steps=30)


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x)

    @staticmethod
    def backward(ctx, grad):
        return grad / (100 * ctx.saved_tensors[0].abs() + 1) ** 2


def literal_readout(weights, inputs, classes=3):
    """The potentials of the readout [T + 1, B, C], from inputs [T, B, n]."""
    alpha, beta = math.exp(-1 / 5), math.exp(-1 / 10)
    w1, w2 = weights
    samples = inputs.shape[1]
    syn = mem = torch.zeros(samples, len(w1), dtype=w1.dtype)
    flt = out = torch.zeros(samples, classes, dtype=w1.dtype)
    potentials, total = [out], 0
    for x in inputs:
        spikes = Step.apply(mem - 1)
        total += int(spikes.sum().detach())
        flt, out = alpha * flt + spikes @ w2.T, beta * out + flt
        syn, mem = alpha * syn + x @ w1.T, (beta * mem + syn) * (1 - spikes.detach())
        potentials.append(out)
    return torch.stack(potentials), total


def test_the_leaky_readouts_update_is_its_equations():
    model = build("source-network", CLASSES)
    draws = torch.Generator().manual_seed(3)
    inputs = (torch.rand(30, 9, 6, generator=draws) < 0.4).double()
    targets = torch.arange(9) % 3
    assert [tuple(w.shape) for w in model.weights] == [(4, 6), (3, 4)]
    weights = [w.detach().clone().requires_grad_() for w in model.weights]
    potentials, total = literal_readout(weights, inputs)
    assert total > 20
    largest = potentials.max(0).values
    torch.nn.functional.cross_entropy(largest, targets).backward()
    found = superspike.harness_evaluate(model, inputs, record=True)
    torch.testing.assert_close(found.scores, potentials.cummax(0).values[1:].detach())
    torch.testing.assert_close(
        superspike.harness_evaluate(model, inputs, record=False).scores, largest.detach()
    )
    scalars = superspike.harness_train_step(model, inputs, targets)
    assert scalars["density_hidden1"] == pytest.approx(total / (30 * 9 * 4))
    for weight, reference in zip(model.weights, weights):
        assert reference.grad.abs().max() > 1e-4
        torch.testing.assert_close(weight.grad, reference.grad)
        # Adam's first step is its learning rate.
        moved = (weight - reference).detach().abs()
        assert moved.max() == pytest.approx(2e-3, rel=1e-3)


def test_its_last_input_that_counts_is_as_late_as_it_says():
    model = build("source-network", CLASSES)
    inputs = torch.zeros(30, 1, 6, dtype=torch.float64)
    last = 30 - 1 - superspike.harness_evaluate(model, inputs, False).delay
    with torch.no_grad():
        model.weights[0].fill_(1.0)
        model.weights[1].fill_(1.0)

    def with_input_at(step):
        given = inputs.clone()
        given[step] = 1
        return superspike.harness_evaluate(model, given, False).scores

    assert with_input_at(last).any()
    assert not with_input_at(last + 1).any()


def test_initial_weights_have_the_experiments_scale():
    model = build("source-network", CLASSES, hidden="2000")
    first, second = (w.detach() for w in model.weights)
    leak = 7 * (1 - math.exp(-0.1))
    assert first.std().item() == pytest.approx(leak / math.sqrt(6), rel=0.05)
    assert second.std().item() == pytest.approx(leak / math.sqrt(2000), rel=0.05)
