from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("snntorch")

from harness_snntorch import conversion

from harness.plugin import SPIKE_TRAIN, Params, Task, Unsupported

pytestmark = pytest.mark.snntorch

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    order = torch.randperm(len(data.data), generator=generator())
    inputs = torch.tensor(data.data, dtype=torch.float32).reshape(-1, 1, 8, 8)[order] / 16
    targets = torch.tensor(data.target)[order]
    return inputs, targets


def build(task: Task, seed: int = 0, **overrides):
    params = Params(**conversion.harness_presets().resolve("quick", task.name, overrides))
    torch.manual_seed(seed)
    return conversion.harness_build_model(task=task, params=params, device=CPU)


def train(model, inputs, targets):
    """What the host does, up to the conversion."""
    size, draws = model.params.batch_size, generator(1)
    model.train()
    for _ in range(model.params.epochs):
        for batch in torch.randperm(len(inputs), generator=draws).split(size):
            spikes = conversion.harness_encode(model=model, inputs=inputs[batch], generator=draws)
            scalars = conversion.harness_train_step(
                model=model, spikes=spikes, targets=targets[batch]
            )
    model.eval()
    batches = list(zip(inputs.split(200), targets.split(200), strict=True))
    with torch.no_grad():
        conversion.harness_finish_training(model=model, batches=batches)
    return scalars


@torch.no_grad()
def evaluate(model, inputs, record=False, seed=2):
    model.eval()
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator(seed))
    return conversion.harness_evaluate(model=model, spikes=spikes, record=record)


TASK = Task("digits", "classification", (1, 8, 8), 10, 1400)


@pytest.fixture(scope="module")
def trained(digits):
    inputs, targets = digits
    model = build(TASK)
    train(model, inputs[:1400], targets[:1400])
    return model


def test_learns_digits_and_keeps_it_through_the_conversion(trained, digits):
    inputs, targets = digits[0][1400:], digits[1][1400:]
    answer = evaluate(trained, inputs, record=True)
    assert answer.scores.shape == (16, 397, 10)
    ann = (answer.references["ann"].argmax(1) == targets).float().mean()
    by_step = (answer.scores.argmax(2) == targets).float().mean(1)
    assert ann > 0.93
    assert by_step[-1] > ann - 0.02


def test_training_reports_plain_numbers(digits):
    model = build(TASK, epochs=1)
    scalars = train(model, digits[0][:1400], digits[1][:1400])
    assert scalars["loss"].shape == scalars["accuracy"].shape == ()
    assert not scalars["loss"].requires_grad


@pytest.mark.parametrize("overrides", [{}, {"code": "poisson", "normalisation": "data"}])
def test_state_round_trips(digits, overrides):
    inputs, targets = digits
    model = build(TASK, epochs=1, hidden="256-256", **overrides)
    train(model, inputs[:300], targets[:300])
    again = build(TASK, seed=99, epochs=1, hidden="256-256", **overrides)
    again.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    assert torch.equal(evaluate(model, inputs[:50]).scores, evaluate(again, inputs[:50]).scores)


def test_training_is_deterministic(digits):
    inputs, targets = digits
    models = [build(TASK, epochs=1, dropout=0.3) for _ in range(2)]
    for model in models:
        torch.manual_seed(5)
        train(model, inputs[:300], targets[:300])
    for one, other in zip(*(model.state_dict().values() for model in models), strict=True):
        assert torch.equal(one, other)


def test_evaluating_leaves_the_model_as_it_was(trained, digits):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    bytes_before = sum(buffer.nbytes for buffer in trained.buffers())
    first = evaluate(trained, digits[0][:40]).scores
    evaluate(trained, digits[0][40:50], record=True)
    assert torch.equal(evaluate(trained, digits[0][:40], record=True).scores, first)
    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items())
    assert sum(buffer.nbytes for buffer in trained.buffers()) == bytes_before


def test_a_constant_code_is_a_view(digits):
    model, inputs = build(TASK).eval(), digits[0][:4]
    current = conversion.harness_encode(model=model, inputs=inputs, generator=generator())
    assert current.shape == (16, 4, 64)
    assert current.stride(0) == 0
    assert torch.equal(current[3], inputs.flatten(1))
    layers = evaluate(model, inputs, record=True).layers
    assert layers[0].inputs.stride(0) == 0
    assert layers[-1].outputs is None
    assert set(layers[0].outputs.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(layers[1].inputs, layers[0].outputs)


def test_a_poisson_code_is_drawn_from_the_generator(digits):
    model, inputs = build(TASK, code="poisson", max_rate=0.5, steps=400).eval(), digits[0][:4]

    def draw(seed):
        return conversion.harness_encode(model=model, inputs=inputs, generator=generator(seed))

    spikes = draw(0)
    assert torch.equal(spikes, draw(0))
    assert not torch.equal(spikes, draw(1))
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert (spikes.mean(0) - 0.5 * inputs.flatten(1)).abs().max() < 5 * 0.5 / 400**0.5


def test_the_reference_follows_the_spikes_and_is_left_out_without_them(digits):
    model, inputs = build(TASK, code="poisson").eval(), digits[0][:4]
    with torch.no_grad():
        expected = model.analog(inputs)[-1]
        spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator())
        found = conversion.harness_evaluate(model=model, spikes=spikes, record=True)
        copied = conversion.harness_evaluate(model=model, spikes=spikes.clone(), record=True)
    assert torch.equal(found.references["ann"], expected)
    assert copied.references == {}
    assert torch.equal(found.scores, copied.scores)


@pytest.mark.parametrize(
    "task",
    [
        Task("spikes", "classification", (20,), 10, 100, steps=50),
        Task("fit", SPIKE_TRAIN, (20,), 1, 1, steps=50),
    ],
)
def test_refuses_what_a_relu_network_cannot_be_trained_on(task):
    with pytest.raises(Unsupported, match=task.name):
        build(task)


def test_every_preset_resolves():
    presets = conversion.harness_presets()
    for preset, tasks in presets.values.items():
        for task in tasks:
            presets.resolve(preset, task, {})


def test_what_a_network_of_ones_own_makes_without_effect_is_told():
    presets = conversion.harness_presets()

    def unused(**given):
        return set(presets.unused(presets.resolve("quick", "mnist", given)))

    of_conv = {"channels", "kernel", "batch_norm"}
    assert unused() == of_conv
    assert unused(network="conv") == {"hidden"}
    own = {"hidden", "dropout", "input_dropout", "network", "init_bound", *of_conv}
    assert unused(model="net.py:make") == own
    assert "percentile" in unused(normalisation="model")
