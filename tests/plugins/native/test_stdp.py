"""native-stdp against its equations written out per synapse and step, and against the contract."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
stdp = pytest.importorskip("harness_native.stdp")

from harness.plugin import Params, Task, Unsupported

pytestmark = pytest.mark.native

TASK = Task("tiny", "classification", (1, 3, 4), classes=3, train_size=12)
CPU = torch.device("cpu")


def build(seed=0, **overrides):
    values = {"neurons": 5, "steps": 12, "max_rate": 0.8, "threshold": 1.5, **overrides}
    params = Params(**stdp.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(seed)
    return stdp.harness_build_model(TASK, params, CPU)


def encoded(model, samples=4, seed=1):
    draws = torch.Generator().manual_seed(seed)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws)
    return stdp.harness_encode(model, inputs, draws).to(model.weight.dtype)


def data(batches=3, samples=4):
    draws = torch.Generator().manual_seed(3)
    return [
        (
            torch.rand(samples, *TASK.input_shape, generator=draws),
            torch.randint(TASK.classes, (samples,), generator=draws),
        )
        for _ in range(batches)
    ]


def trained():
    model = build()
    model.train()
    for number in range(3):
        stdp.harness_train_step(model, encoded(model, seed=number))
    model.eval()
    with torch.no_grad():
        stdp.harness_finish_training(model, data(), torch.Generator().manual_seed(4))
    return model


def same(state, other):
    return state.keys() == other.keys() and all(torch.equal(state[k], other[k]) for k in state)


def literal_presentation(spikes, w, threshold, p):
    """One sample's winners and what its spikes add to each weight, before the learning rate."""
    neurons, inputs = range(len(w)), range(len(w[0]))
    v, x_pre, x_post = [0.0] * len(w), [0.0] * len(w[0]), [0.0] * len(w)
    change = [[0.0 for _ in inputs] for _ in neurons]
    winners = []
    for pre in spikes:
        for j in neurons:
            v[j] += -v[j] / p.tau + sum(w[j][i] * pre[i] for i in inputs) / threshold[j]
        winner = v.index(max(v)) if max(v) >= 1 else -1
        winners.append(winner)
        if winner >= 0:
            v = [max(each - p.inhibition, -p.inhibition) for each in v]
            v[winner] = 0.0
        x_pre = [x - x / p.tau_pre + s for x, s in zip(x_pre, pre)]
        x_post = [x - x / p.tau_post + (j == winner) for j, x in zip(neurons, x_post)]
        for j in neurons:
            for i in inputs:
                change[j][i] += max(1 - w[j][i], 0.0) * (j == winner) * x_pre[i]
                change[j][i] -= p.depression * w[j][i] * x_post[j] * pre[i]
    return winners, change


def literal_update(model, spikes):
    """Weights, thresholds and winners after one batch, in Python's own (double) precision."""
    p = model.params
    w, threshold = model.weight.tolist(), model.threshold.tolist()
    neurons, inputs = range(len(w)), range(len(w[0]))
    samples = [
        literal_presentation(spikes[:, sample].tolist(), w, threshold, p)
        for sample in range(spikes.shape[1])
    ]
    for j in neurons:
        row = [
            max(w[j][i] + p.learning_rate * sum(change[j][i] for _, change in samples), 0.0)
            for i in inputs
        ]
        size = (sum(x**p.norm_order for x in row) / len(row)) ** (1 / p.norm_order)
        w[j] = [x * p.norm / size for x in row]
        count = sum(winners.count(j) for winners, _ in samples)
        threshold[j] += p.theta_plus * (count - p.target * len(samples) / len(w))
        threshold[j] = max(threshold[j] * (1 - p.theta_decay) ** len(samples), 1e-3)
    return w, threshold, [winners for winners, _ in samples]


@pytest.mark.parametrize("norm_order", [1, 2])
@pytest.mark.parametrize("inhibition", [0.3, 1.0])
def test_updates_are_the_rule_written_out(norm_order, inhibition):
    model = build(
        norm_order=norm_order,
        inhibition=inhibition,
        depression=0.3,
        tau_pre=5,
        tau_post=3,
        learning_rate=0.05,
        theta_plus=0.02,
        theta_decay=0.01,
        anneal=0.0,
    ).double()
    for number in range(3):
        spikes = encoded(model, seed=number)
        weight, threshold, winners = literal_update(model, spikes)
        before = model.weight.clone()
        assert model.learn(spikes).T.tolist() == winners
        assert {-1} < {winner for sample in winners for winner in sample}
        assert (model.weight - before).abs().max() > 1e-3
        for found, wanted in ((model.weight, weight), (model.threshold, threshold)):
            wanted = torch.tensor(wanted, dtype=torch.float64)
            torch.testing.assert_close(found.data, wanted, rtol=1e-10, atol=1e-12)


def test_a_batch_without_spikes_changes_only_thresholds():
    model = build(threshold=1e4)
    before = model.weight.clone()
    assert (model.learn(encoded(model)) == -1).all()
    assert torch.equal(model.weight, before)
    assert (model.threshold < 1e4).all()


def test_learning_cools_down():
    model = build(anneal=1.0)
    model.presented = TASK.train_size
    before = copy.deepcopy(model.state_dict())
    stdp.harness_train_step(model, encoded(model))
    torch.testing.assert_close(model.state_dict(), before)


def test_the_same_seed_learns_the_same_weights():
    assert same(trained().state_dict(), trained().state_dict())


def test_a_trained_state_answers_the_same_in_a_new_model():
    model, fresh = trained(), build(seed=5)
    fresh.load_state_dict(model.state_dict())
    spikes = encoded(model)
    with torch.no_grad():
        found = stdp.harness_evaluate(fresh.eval(), spikes, record=False).scores
        assert torch.equal(found, stdp.harness_evaluate(model, spikes, record=False).scores)
    assert found.abs().max() > 0


@torch.no_grad()
def test_evaluation_changes_nothing_and_depends_on_nothing_before():
    model = trained()
    before = copy.deepcopy(model.state_dict())
    first, second = encoded(model, seed=6), encoded(model, samples=2, seed=7)
    answers = [stdp.harness_evaluate(model, s, record=False).scores for s in (first, second)]
    again = [stdp.harness_evaluate(model, s, record=True).scores for s in (second, first)]
    assert torch.equal(answers[0], again[1])
    assert torch.equal(answers[1], again[0])
    assert same(model.state_dict(), before)


@torch.no_grad()
def test_a_recorded_layer_explains_the_scores():
    model = trained()
    spikes = encoded(model)
    found = stdp.harness_evaluate(model, spikes, record=True)
    (layer,) = found.layers
    assert layer.spiking
    assert layer.inputs is spikes
    assert 0 < layer.outputs.sum() < layer.outputs[..., 0].numel()
    torch.testing.assert_close(found.scores, layer.outputs.cumsum(0) @ model.readout)


@torch.no_grad()
def test_labels_come_from_the_spikes_of_each_class():
    model = build(readout="likelihood")
    batches = data()
    found = stdp.harness_finish_training(model, batches, torch.Generator().manual_seed(4))
    draws = torch.Generator().manual_seed(4)
    counts = torch.zeros(5, 3)
    for inputs, targets in batches:
        winners = model(stdp.harness_encode(model, inputs, draws))
        for sample, target in enumerate(targets.tolist()):
            for winner in winners[:, sample].tolist():
                if winner >= 0:
                    counts[winner, target] += 1
    assert counts.sum() > 0
    torch.testing.assert_close(model.readout, ((counts + 1) / (counts + 1).sum(0)).log())
    assert found["silent_neurons"] == (counts.sum(1) == 0).float().mean()


@pytest.mark.parametrize("change", [{"kind": "spike-train"}, {"steps": 100}])
def test_only_stills_with_classes_are_learnt(change):
    with pytest.raises(Unsupported, match="tiny"):
        stdp.harness_build_model(replace(TASK, **change), build().params, CPU)


def test_learns_digits(digits):
    # Chance is 0.1; the untrained layer's random receptive fields reach about 0.6.
    assert digits("native-stdp", "harness_native.stdp") > 0.8
