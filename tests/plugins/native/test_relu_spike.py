"""The network of emitting units, one number at a time, and its gradient."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
relu_spike = pytest.importorskip("harness_native.relu_spike")

from harness.plugin import SPIKE_TRAIN, Params, Task, Unsupported

from . import tiny
from .test_relu_sequence import literal_unit, unrolled

pytestmark = pytest.mark.native


def build(**overrides):
    values = {"theta": 0.1, "penalty": 0.13, **overrides}
    params = Params(
        **relu_spike.harness_presets().resolve(
            "quick", "any", {"hidden": 5, "steps": 8, "window": 5, "epochs": 1, **values}
        )
    )
    torch.manual_seed(0)
    return relu_spike.harness_build_model(tiny.TASK, params, torch.device("cpu")).double()


def batch(model):
    return tiny.batch(relu_spike, model)


def literal_logits(model, spikes):
    """The answer to each sample, by loops over layers, units and steps; and how many emissions."""
    p = model.params
    answers, emissions = [], 0
    for sample in range(spikes.shape[1]):
        x = spikes[:, sample].tolist()
        for layer in model.layers:
            weight, bias = layer.weight.tolist(), layer.bias.tolist()
            columns = []
            for row, b in zip(weight, bias):
                currents = [b + sum(w * v for w, v in zip(row, step)) for step in x]
                columns.append(literal_unit(currents, model.unit))
            arrived = [[0.0 for _ in columns]]
            arrived += [[column[0][t] for column in columns] for t in range(len(x) - 1)]
            emissions += sum(value > 0 for step in arrived for value in step)
            x = arrived
        late = [[0.0, *states[:-1]] for _, states in columns]
        answers.append([sum(states[-p.window :]) / p.window for states in late])
    return torch.tensor(answers, dtype=torch.float64), emissions


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("hidden", ["5", "5-4"])
def test_the_answer_is_its_equations(noise, hidden):
    model = build(noise=noise, hidden=hidden)
    spikes, _ = batch(model)
    wanted, emissions = literal_logits(model, spikes)
    assert emissions > 10
    found = relu_spike.harness_evaluate(model, spikes, record=False).scores
    assert torch.allclose(found, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("noise", [False, True])
def test_update_is_autograds_gradient(noise):
    model = build(noise=noise, hidden="5-4", optimizer="sgd", lr=0.0, label_smoothing=0.1)
    spikes, targets = batch(model)
    copies = [p.detach().clone().requires_grad_() for p in model.parameters()]
    x = spikes
    for weight, bias in zip(copies[::2], copies[1::2]):
        emissions, states = unrolled(x @ weight.T + bias, model.unit)
        x = torch.cat([torch.zeros_like(emissions[:1]), emissions[:-1]])
    logits = states[-6:-1].mean(0)  # the last five, a step late
    torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.1).backward()
    scalars = relu_spike.harness_train_step(model, spikes, targets)
    assert scalars["emitting_hidden1"] > 0
    for parameter, copy in zip(model.parameters(), copies):
        assert copy.grad.abs().max() > 1e-4
        assert torch.allclose(parameter.grad, copy.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("hidden", ["5", "5-4"])
def test_the_answer_is_as_late_as_it_says(hidden):
    model = build(hidden=hidden)
    spikes = batch(model)[0].contiguous()
    answer = relu_spike.harness_evaluate(model, spikes, record=False)
    last = len(spikes) - 1 - answer.delay

    def with_more_at(step):
        changed = spikes.clone()
        changed[step] += 1
        return relu_spike.harness_evaluate(model, changed, record=False).scores

    assert not torch.equal(with_more_at(last), answer.scores)
    assert torch.equal(with_more_at(last + 1), answer.scores)


def test_noise_is_a_new_draw_for_each_value_and_step():
    model = build(noise=True)
    inputs = torch.ones(50, 1, 2, 3)
    found = relu_spike.harness_encode(model, inputs, torch.Generator().manual_seed(0))
    again = relu_spike.harness_encode(model, inputs, torch.Generator().manual_seed(0))
    assert found.shape == (8, 50, 6)
    assert torch.equal(found, again)
    assert len(found.unique()) > 0.99 * found.numel()
    assert 0.48 < found.mean() < 0.52
    half = relu_spike.harness_encode(model, inputs / 2, torch.Generator().manual_seed(0))
    assert torch.allclose(half, found / 2)


def test_without_noise_the_input_is_a_view_and_the_answer_the_same():
    model = build()
    spikes, _ = batch(model)
    assert spikes.stride(0) == 0
    short = relu_spike.harness_evaluate(model, spikes, record=False).scores
    long = relu_spike.harness_evaluate(model, spikes.contiguous(), record=False).scores
    assert torch.allclose(short, long, rtol=1e-12)


def test_recorded_activity_is_of_real_numbers():
    model = build(hidden="5-4")
    spikes, _ = batch(model)
    answer = relu_spike.harness_evaluate(model, spikes, record=True)
    plain = relu_spike.harness_evaluate(model, spikes, record=False).scores
    assert torch.allclose(answer.scores[-1], plain)
    assert [layer.name for layer in answer.layers] == ["hidden1", "hidden2", "output"]
    assert not any(layer.spiking for layer in answer.layers)
    first, second, output = answer.layers
    assert torch.equal(second.inputs[1:], first.outputs[:-1])
    assert not second.inputs[0].any()
    assert output.outputs is None


def test_dropped_units_emit_nothing_and_only_in_training():
    model = build(hidden="200", dropout=0.5, theta=0.01, penalty=0.01)
    spikes = torch.ones(8, 1, 6, dtype=torch.float64)
    _, (kept,), _ = model.train()(spikes)
    _, (every,), _ = model.eval()(spikes)
    some = kept[-1] > 0
    assert 0 < some.sum() < (every[-1] > 0).sum()
    assert torch.allclose(kept[:, some], 2 * every[:, some])


def test_state_round_trips():
    model, again = build(), build()
    spikes, targets = batch(model)
    relu_spike.harness_train_step(model, spikes, targets)
    answer = relu_spike.harness_evaluate(model, spikes, record=False).scores
    assert not torch.equal(relu_spike.harness_evaluate(again, spikes, False).scores, answer)
    again.load_state_dict(model.state_dict())
    assert torch.equal(relu_spike.harness_evaluate(again, spikes, False).scores, answer)


def test_samples_that_are_spikes_over_time():
    task = Task("given", "classification", (2, 3), classes=4, train_size=10, steps=20)
    model = relu_spike.harness_build_model(task, build().params, torch.device("cpu"))
    spikes = (torch.rand(20, 7, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    relu_spike.harness_train_step(model, spikes, torch.arange(7) % 4)
    assert relu_spike.harness_evaluate(model, spikes, True).scores.shape == (20, 7, 4)


def test_refuses_to_fit_spike_trains():
    task = Task("trains", SPIKE_TRAIN, (6,), classes=1, train_size=1, steps=20)
    with pytest.raises(Unsupported, match="classifies"):
        relu_spike.harness_build_model(task, build().params, torch.device("cpu"))


def test_learns_digits(digits):
    assert digits("native-relu-spike", "harness_native.relu_spike", epochs=5) > 0.9
