"""Supervised STDP as a plugin: one update by loops in the rule's own notation, and the contract."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
supervised = pytest.importorskip("harness_spikingjelly.supervised")

from harness.plugin import SPIKE_TRAIN, Params, Task, Unsupported

pytestmark = pytest.mark.spikingjelly

CPU = torch.device("cpu")
TASK = Task("tiny", "classification", (1, 2, 3), classes=4, train_size=40)


def build(seed=0, task=TASK, **overrides):
    values = {"hidden": "none", "steps": 8, "gain": 2.0, "epochs": 1, **overrides}
    params = Params(**supervised.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(seed)
    model = supervised.harness_build_model(task=task, params=params, device=CPU)
    for synapse in model.synapses:
        synapse.weight.add_(0.4).clamp_(-1, 1)  # so that a handful of inputs suffices for spikes
    return model


def batch(model, samples=5, seed=1):
    draws = torch.Generator().manual_seed(seed)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws)
    targets = torch.randint(TASK.classes, (samples,), generator=draws)
    spikes = supervised.harness_encode(model=model, inputs=inputs, generator=draws)
    return spikes, targets


def literal_layer(x, weight, tau):
    """Spikes of LIF neurons that are reset to 0, with decaying input."""
    fired = []
    membranes = [0.0] * len(weight)
    for now in x:
        for n, row in enumerate(weight):
            membranes[n] += (sum(w * s for w, s in zip(row, now)) - membranes[n]) / tau
        spikes = [float(v >= 1) for v in membranes]
        membranes = [0.0 if s else v for v, s in zip(membranes, spikes)]
        fired.append(spikes)
    return fired


def literal_stdp(change, pre, post, p):
    """Adds one sample's pairs to `change`."""
    x, y = [0.0] * len(pre[0]), [0.0] * len(post[0])
    for now, then in zip(pre, post):
        x = [trace - trace / p.tau_pre + s for trace, s in zip(x, now)]
        y = [trace - trace / p.tau_post + s for trace, s in zip(y, then)]
        for j in range(len(y)):
            for i in range(len(x)):
                change[j][i] += then[j] * x[i] - p.depression * y[j] * now[i]


def literal_gradients(model, spikes, targets):
    """Minus the STDP updates of all weights under a teacher, by loops."""
    p = model.params
    weights = [synapse.weight.tolist() for synapse in model.synapses]
    changes = [[[0.0] * len(w[0]) for _ in w] for w in weights]
    samples = range(len(targets))
    activity = []
    for sample in samples:
        trains = [spikes[:, sample].tolist()]
        for weight in weights:
            trains.append(literal_layer(trains[-1], weight, p.tau))
        activity.append(trains)
    for sample in samples:
        trains = activity[sample]
        wanted = [float(c == int(targets[sample])) for c in range(TASK.classes)]
        error = [[w - s for w, s in zip(wanted, now)] for now in trains[-1]]
        literal_stdp(changes[-1], trains[-2], error, p)
        for number in range(1, len(weights)):
            feedback = model.get_buffer(f"feedback{number}").tolist()
            own = trains[number]
            post = [[0.0] * len(own[0]) for _ in own]
            for n in range(len(own[0])):
                rate = sum(now[n] for each in activity for now in each[number])
                excess = rate / len(samples) / p.steps - p.target_rate
                for t, now in enumerate(own):
                    sent = sum(e * feedback[c][n] for c, e in enumerate(error[t]))
                    post[t][n] = now[n] * (sent - p.homeostasis * excess)
            literal_stdp(changes[number - 1], trains[number - 1], post, p)
    return [-torch.tensor(change, dtype=torch.float64) / len(samples) for change in changes]


@pytest.mark.parametrize("implementation", ["learner", "products"])
@pytest.mark.parametrize("hidden", ["none", "5", "5-4"])
def test_an_update_is_the_rule_written_out(hidden, implementation):
    model = build(hidden=hidden, implementation=implementation, depression=0.3).double()
    spikes, targets = batch(model)
    spikes = spikes.double()
    expected = literal_gradients(model, spikes, targets)
    model.learn(spikes, targets)
    for synapse, gradient in zip(model.synapses, expected, strict=True):
        assert gradient.abs().max() > 1e-2
        torch.testing.assert_close(synapse.weight.grad, gradient, rtol=1e-9, atol=1e-12)


def test_adam_takes_the_step_and_weights_stay_within_one():
    model = build(lr=0.25)
    spikes, targets = batch(model)
    (synapse,) = model.synapses
    before = synapse.weight.clone()
    model.learn(spikes, targets)
    # Adam's first step is the learning rate against the gradient's sign.
    expected = before - 0.25 * synapse.weight.grad.sign()
    assert (expected.abs() > 1).any()
    torch.testing.assert_close(synapse.weight, expected.clamp(-1, 1), rtol=0, atol=1e-5)


def test_nothing_is_differentiated():
    model = build(hidden="5")
    assert not any(parameter.requires_grad for parameter in model.parameters())
    scalars = supervised.harness_train_step(model, *batch(model))
    assert not any(scalar.requires_grad for scalar in scalars.values())


@pytest.mark.parametrize("implementation", ["learner", "products"])
def test_a_reward_moves_the_chosen_neurons_weights_alone(implementation):
    model = build(signal="reward", exploration=0.0, implementation=implementation)
    spikes, _ = batch(model, samples=1)
    output = model(spikes)[-1]
    choice = int(output.sum(dim=0).argmax())
    rate = float(output.mean(dim=0)[0, choice])
    assert 0 < rate < 1
    found = {}
    for target in (choice, (choice + 1) % 4, (choice + 2) % 4):
        fresh = copy.deepcopy(model)
        fresh.learn(spikes, torch.tensor([target]))
        found[target == choice, target] = fresh.synapses[0].weight.grad
    right, wrong, other = found.values()
    # Which class would have been right is not told.
    assert torch.equal(wrong, other)
    torch.testing.assert_close(right / (1 - rate), wrong / -rate)
    assert right[choice].min() < 0
    right[choice] = 0
    assert not right.any()


def trained(**overrides):
    model = build(**overrides)
    for number in range(4):
        model.learn(*batch(model, seed=number))
    return model.eval()


@pytest.mark.parametrize("signal", ["teacher", "reward"])
def test_training_is_deterministic(signal):
    models = [trained(signal=signal, hidden="5") for _ in range(2)]
    torch.testing.assert_close(*(model.state_dict() for model in models), rtol=0, atol=0)


@torch.no_grad()
def test_a_trained_state_answers_the_same_in_a_new_model_and_evaluation_changes_nothing():
    model, fresh = trained(hidden="5"), build(seed=9, hidden="5")
    before = copy.deepcopy(model.state_dict())
    fresh.load_state_dict(before)
    spikes, _ = batch(model, seed=7)
    other, _ = batch(model, samples=2, seed=8)
    found = supervised.harness_evaluate(fresh.eval(), spikes, record=False).scores
    assert found.any()
    assert torch.equal(found, supervised.harness_evaluate(model, spikes, record=True).scores)
    supervised.harness_evaluate(model, other, record=True)
    assert torch.equal(found, supervised.harness_evaluate(model, spikes, record=False).scores)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@torch.no_grad()
def test_recorded_layers_are_the_network():
    model = trained(hidden="5-4")
    spikes, _ = batch(model)
    found = supervised.harness_evaluate(model, spikes, record=True)
    assert [layer.name for layer in found.layers] == ["hidden1", "hidden2", "output"]
    assert found.layers[0].inputs is spikes
    for before, after in zip(found.layers, found.layers[1:]):
        assert after.inputs is before.outputs
    assert torch.equal(found.scores[-1], found.layers[-1].outputs.sum(dim=0))


def test_what_has_no_class_to_teach_is_unsupported():
    with pytest.raises(Unsupported, match="spike-train"):
        build(task=Task("fit", SPIKE_TRAIN, (1, 2, 3), 4, 40))
    with pytest.raises(Unsupported, match="spike trains"):
        build(task=Task("shd", "classification", (6,), 4, 40, steps=10))


@pytest.mark.parametrize(
    ("overrides", "least"),
    [
        ({}, 0.88),
        ({"signal": "reward"}, 0.88),
        ({"hidden": "none"}, 0.88),
        # Ten seeds spread from 79 to 91 %, with this way of drawing Poisson spikes and the one before.
        ({"hidden": "none", "signal": "reward"}, 0.75),
    ],
)
def test_learns_digits(digits, overrides, least):
    found = digits("spikingjelly-stdp-supervised", "harness_spikingjelly.supervised", **overrides)
    assert found > least
