"""The STDP plugin against a slow transcription of its equations, and against the contract."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
stdp = pytest.importorskip("harness_spikingjelly.stdp")

from harness.plugin import Params, Task, Unsupported

pytestmark = pytest.mark.spikingjelly

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
    return stdp.harness_encode(model, inputs, draws)


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


def literal_update(model, spikes):
    """The weights and output spikes after one batch, by loops in the rule's own notation."""
    p = model.params
    w = model.synapse.weight.double().tolist()
    threshold = model.neurons.threshold.double().tolist()
    n, inputs = len(w), len(w[0])
    change = [[0.0] * inputs for _ in range(n)]
    output = torch.zeros(len(spikes), spikes.shape[1], n)
    for sample in range(spikes.shape[1]):
        v, x_pre, x_post = [0.0] * n, [0.0] * inputs, [0.0] * n
        for t, pre in enumerate(spikes[:, sample].tolist()):
            for j in range(n):
                current = sum(w[j][i] * pre[i] for i in range(inputs))
                v[j] += -v[j] / p.tau + current / threshold[j]
            post = [0.0] * n
            if max(v) >= 1:
                winner = v.index(max(v))
                post[winner] = 1.0
                v = [max(each - p.inhibition, -p.inhibition) for each in v]
                v[winner] = 0.0
            output[t, sample] = torch.tensor(post)
            x_pre = [x - x / p.tau_pre + s for x, s in zip(x_pre, pre, strict=True)]
            x_post = [x - x / p.tau_post + s for x, s in zip(x_post, post, strict=True)]
            for j in range(n):
                for i in range(inputs):
                    change[j][i] += max(1 - w[j][i], 0.0) * post[j] * x_pre[i]
                    change[j][i] -= p.depression * w[j][i] * x_post[j] * pre[i]
    for j in range(n):
        w[j] = [max(w[j][i] + p.learning_rate * change[j][i], 0.0) for i in range(inputs)]
        size = (sum(x**p.norm_order for x in w[j]) / inputs) ** (1 / p.norm_order)
        w[j] = [x * p.norm / size for x in w[j]]
    return torch.tensor(w, dtype=torch.float64), output


@pytest.mark.parametrize("norm_order", [1, 2])
@pytest.mark.parametrize("inhibition", [0.3, 1.0])
def test_an_update_is_the_rule_written_out(norm_order, inhibition):
    model = build(
        norm_order=norm_order,
        inhibition=inhibition,
        depression=0.3,
        tau_pre=5,
        tau_post=3,
        learning_rate=0.05,
    )
    spikes = encoded(model)
    weight, output = literal_update(model, spikes)
    assert 0 < output.sum() < output[..., 0].numel()
    before = model.synapse.weight.clone()
    assert torch.equal(model.learn(spikes), output)
    assert (model.synapse.weight - before).abs().max() > 1e-3
    torch.testing.assert_close(model.synapse.weight.double(), weight, rtol=1e-5, atol=1e-7)


def test_thresholds_follow_the_spikes():
    model = build(theta_plus=0.5, target=2.0, theta_decay=0.1)
    before = model.neurons.threshold.clone()
    output = model.learn(encoded(model, samples=4))
    counts = output.sum(dim=(0, 1))
    expected = (before + 0.5 * (counts - 2.0 * 4 / 5)) * 0.9**4
    torch.testing.assert_close(model.neurons.threshold, expected.clamp_min(1e-3))


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
    # No monitor of a learner is left to collect activity.
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@torch.no_grad()
def test_a_recorded_layer_explains_the_scores():
    model = trained()
    spikes = encoded(model)
    found = stdp.harness_evaluate(model, spikes, record=True)
    (layer,) = found.layers
    assert layer.spiking
    assert layer.inputs is spikes
    torch.testing.assert_close(found.scores[-1], layer.outputs.sum(0) @ model.readout)


@pytest.mark.parametrize("change", [{"kind": "spike-train"}, {"steps": 100}])
def test_only_stills_with_classes_are_learnt(change):
    with pytest.raises(Unsupported, match="tiny"):
        stdp.harness_build_model(replace(TASK, **change), build().params, CPU)


def test_learns_digits(digits):
    # Chance is 0.1; the untrained layer's random receptive fields reach about 0.6.
    assert digits("spikingjelly-stdp", "harness_spikingjelly.stdp") > 0.8
