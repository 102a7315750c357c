from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
ann_relu = pytest.importorskip("harness_native.ann_relu")

from harness.plugin import SPIKE_TRAIN, Params, Task, Unsupported

pytestmark = pytest.mark.native

TASK = Task("digits", "classification", (1, 8, 8), 10, 1400)


def build(seed: int = 0, **overrides):
    params = Params(**ann_relu.harness_presets().resolve("quick", TASK.name, overrides))
    torch.manual_seed(seed)
    model = ann_relu.harness_build_model(task=TASK, params=params, device=torch.device("cpu"))
    return model, params


def train(model, params, inputs, targets):
    draws = torch.Generator().manual_seed(1)
    model.train()
    for _ in range(params.epochs):
        for batch in torch.randperm(len(inputs), generator=draws).split(params.batch_size):
            spikes = ann_relu.harness_encode(model=model, inputs=inputs[batch])
            scalars = ann_relu.harness_train_step(
                model=model, spikes=spikes, targets=targets[batch]
            )
    return scalars


@torch.no_grad()
def evaluate(model, inputs, record=False):
    model.eval()
    return ann_relu.harness_evaluate(
        model=model, spikes=ann_relu.harness_encode(model=model, inputs=inputs), record=record
    )


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    order = torch.randperm(len(data.data), generator=torch.Generator().manual_seed(0))
    inputs = torch.tensor(data.data, dtype=torch.float32).reshape(-1, 1, 8, 8)[order] / 16
    return inputs, torch.tensor(data.target)[order]


def test_learns_digits(digits):
    inputs, targets = digits
    model, params = build()
    scalars = train(model, params, inputs[:1400], targets[:1400])
    assert scalars["loss"].shape == scalars["accuracy"].shape == ()
    scores = evaluate(model, inputs[1400:]).scores
    assert (scores.argmax(1) == targets[1400:]).float().mean() > 0.93


def test_is_the_plain_network(digits):
    model, _ = build(hidden="20-20", dropout=0.5, input_dropout=0.5)
    x = digits[0][:3].flatten(1).double()
    *hidden, last = model.layers
    for layer in hidden:
        x = (x @ layer.weight.double().T + layer.bias).clamp(min=0)
    expected = x @ last.weight.double().T + last.bias
    torch.testing.assert_close(evaluate(model, digits[0][:3]).scores.double(), expected)


def test_records_real_numbers_over_one_step(digits):
    model, _ = build(hidden="20-20")
    answer = evaluate(model, digits[0][:3], record=True)
    assert [tuple(layer.inputs.shape) for layer in answer.layers] == [
        (1, 3, 64),
        (1, 3, 20),
        (1, 3, 20),
    ]
    assert not any(layer.spiking for layer in answer.layers)
    assert torch.equal(answer.layers[0].outputs, answer.layers[1].inputs)
    assert answer.layers[-1].outputs is None
    assert torch.equal(answer.scores, evaluate(model, digits[0][:3]).scores)


def test_no_hidden_layer_is_softmax_regression(digits):
    model, _ = build(hidden="none")
    assert [tuple(p.shape) for p in model.parameters()] == [(10, 64), (10,)]
    assert evaluate(model, digits[0][:2], record=True).layers[0].outputs is None


def test_encodes_a_view(digits):
    model, _ = build()
    assert ann_relu.harness_encode(model, digits[0]).data_ptr() == digits[0].data_ptr()


def test_state_round_trips(digits):
    model, params = build(epochs=1)
    train(model, params, digits[0][:300], digits[1][:300])
    again, _ = build(seed=9, epochs=1)
    again.load_state_dict(model.state_dict())
    assert torch.equal(evaluate(again, digits[0][:9]).scores, evaluate(model, digits[0][:9]).scores)


@pytest.mark.parametrize(("schedule", "middle", "end"), [("cosine", 0.5, 0.0), ("constant", 1, 1)])
def test_the_schedule_counts_updates(digits, schedule, middle, end):
    model, params = build(epochs=2, batch_size=700, schedule=schedule, lr=0.01)
    rates = []
    for _ in range(4):
        rates.append(model.optimizer.lr / params.lr)
        train(model, Params(epochs=1, batch_size=700), digits[0][:700], digits[1][:700])
    assert rates[0] == 1
    assert rates[2] == pytest.approx(middle)
    assert math.isclose(model.optimizer.lr / params.lr, end, abs_tol=1e-9)


def test_plain_sgd_is_its_textbook_update(digits):
    """v = momentum v + g; w = w - lr v."""
    model, _ = build(optimizer="sgd", lr=0.1, momentum=0.5, schedule="constant", hidden="none")
    inputs, targets = digits[0][:64], digits[1][:64]
    weight = model.layers[0].weight.detach().clone()
    velocity = torch.zeros_like(weight)
    model.train()
    for _ in range(3):
        logits = evaluate(model, inputs).scores
        error = (logits.softmax(1) - torch.nn.functional.one_hot(targets, 10)) / 64
        velocity = 0.5 * velocity + error.T @ inputs.flatten(1)
        weight -= 0.1 * velocity
        ann_relu.harness_train_step(model=model, spikes=inputs[None], targets=targets)
        torch.testing.assert_close(model.layers[0].weight.detach(), weight)


def test_every_preset_resolves():
    presets = ann_relu.harness_presets()
    for preset, tasks in presets.values.items():
        for task in tasks:
            presets.resolve(preset, task, {})


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (Task("given", "classification", (20,), 10, 100, steps=50), "static inputs"),
        (Task("trains", SPIKE_TRAIN, (20,), 1, 1, steps=50), "classifies"),
    ],
)
def test_refuses_spikes_over_time(task, why):
    params = Params(**ann_relu.harness_presets().resolve("quick", task.name, {}))
    with pytest.raises(Unsupported, match=why):
        ann_relu.harness_build_model(task=task, params=params, device=torch.device("cpu"))
