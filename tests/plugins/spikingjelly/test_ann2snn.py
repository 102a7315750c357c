"""SpikingJelly's conversion as a plugin: the equations written out, and the contract."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
conversion = pytest.importorskip("harness_spikingjelly.conversion")

from harness.plugin import SPIKE_TRAIN, Params, Task, Unsupported

pytestmark = pytest.mark.spikingjelly

CPU = torch.device("cpu")
TASK = Task("tiny", "classification", (1, 3, 4), classes=3, train_size=40)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def build(seed=0, task=TASK, **overrides):
    values = {"hidden": "6-5", "batch_size": 20, "steps": 16, **overrides}
    params = Params(**conversion.harness_presets().resolve("quick", "any", values))
    torch.manual_seed(seed)
    return conversion.harness_build_model(task=task, params=params, device=CPU)


def data(samples=40):
    draws = generator(3)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws)
    return inputs, torch.randint(TASK.classes, (samples,), generator=draws)


def converted(**overrides):
    model = build(**overrides)
    inputs, targets = data()
    model.train()
    for _ in range(20):
        spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator())
        conversion.harness_train_step(model=model, spikes=spikes, targets=targets)
    model.eval()
    batches = list(zip(inputs.split(20), targets.split(20)))
    with torch.no_grad():
        scalars = conversion.harness_finish_training(model=model, batches=batches)
    return model, scalars


@torch.no_grad()
def evaluate(model, inputs, record=False, seed=2):
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator(seed))
    return conversion.harness_evaluate(model=model, spikes=spikes, record=record)


@torch.no_grad()
def activations(model, inputs):
    """Each hidden layer's ReLU values, by the weights alone."""
    value, found = inputs.flatten(1).double(), []
    for linear in model.linears[:-1]:
        value = (value @ linear.weight.double().T + linear.bias.double()).clamp(min=0)
        found.append(value)
    return found


def literal(model, spikes, scales, initial):
    """Scores over time and hidden spikes, neuron by neuron."""
    linears = [(each.weight.tolist(), each.bias.tolist()) for each in model.linears]
    steps, samples = spikes.shape[:2]
    scores = torch.zeros(steps, samples, TASK.classes, dtype=torch.float64)
    fired = [torch.zeros(steps, samples, len(bias)) for _, bias in linears[:-1]]
    for sample in range(samples):
        membranes = [[initial] * len(bias) for _, bias in linears[:-1]]
        total = [0.0] * TASK.classes
        for t in range(steps):
            value = spikes[t, sample].tolist()
            for layer, (weight, bias) in enumerate(linears):
                value = [sum(w * x for w, x in zip(row, value)) + b for row, b in zip(weight, bias)]
                if layer == len(linears) - 1:
                    break
                for n, current in enumerate(value):
                    membranes[layer][n] += current / scales[layer]
                    spike = membranes[layer][n] >= 1
                    membranes[layer][n] -= spike
                    fired[layer][t, sample, n] = spike
                    value[n] = spike * scales[layer]
            total = [old + new for old, new in zip(total, value)]
            scores[t, sample] = torch.tensor(total)
    return scores, fired


@pytest.mark.parametrize("initial", [0.0, 0.5])
@pytest.mark.parametrize("code", ["rate", "poisson"])
def test_the_spiking_network_is_the_relu_network_written_as_integrate_and_fire(initial, code):
    model, scalars = converted(initial_membrane=initial, code=code)
    inputs = data()[0][:4]
    found = evaluate(model, inputs, record=True)
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator(2))
    scales = [float(scalars["scale1"]), float(scalars["scale2"])]
    scores, fired = literal(model, spikes, scales, initial)
    for layer, expected in zip(found.layers, fired):
        assert 0 < expected.mean() < 1
        assert torch.equal(layer.outputs, expected)
    torch.testing.assert_close(found.scores.double(), scores, rtol=1e-4, atol=1e-4)


def test_the_rates_approach_the_relu_network():
    # With momentum 1 the scales are the last batch's own maxima: none of its rates saturates.
    model, _ = converted(mode="Max", momentum=1.0, steps=512)
    found = evaluate(model, data()[0][20:], record=True)
    logits = found.scores[-1] / 512
    assert (logits - found.references["ann"]).abs().max() < 0.02 * logits.abs().max()


def test_scales_are_a_moving_average_of_the_batches_percentiles():
    model, scalars = converted(mode="80%", momentum=0.3)
    inputs = data()[0]
    both = [activations(model, batch) for batch in inputs.split(20)]
    for layer in range(2):
        first, second = (torch.quantile(batch[layer], 0.8) for batch in both)
        expected = 0.7 * first + 0.3 * second
        assert abs(first - second) > 1e-3
        assert float(scalars[f"scale{layer + 1}"]) == pytest.approx(float(expected), rel=1e-5)


def test_training_is_the_relu_networks_gradient():
    model = build(label_smoothing=0.1)
    inputs, targets = data()
    model.train()
    weights = [each.detach().clone().requires_grad_() for each in model.parameters()]
    value = inputs.flatten(1)
    for layer in range(3):
        value = value @ weights[2 * layer].T + weights[2 * layer + 1]
        value = value.relu() if layer < 2 else value
    torch.nn.functional.cross_entropy(value, targets, label_smoothing=0.1).backward()
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=generator())
    conversion.harness_train_step(model=model, spikes=spikes, targets=targets)
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        torch.testing.assert_close(parameter.grad, weight.grad)


def test_the_state_is_one_set_of_weights_and_loads_into_a_new_model():
    model, _ = converted()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    assert sum(value.numel() for value in state.values()) == (12 + 1) * 6 + 7 * 5 + 6 * 3 + 4
    again = build(seed=9).eval()
    again.load_state_dict(state)
    inputs = data()[0]
    found, expected = evaluate(again, inputs, record=True), evaluate(model, inputs, record=True)
    assert torch.equal(found.scores, expected.scores)
    assert torch.equal(found.references["ann"], expected.references["ann"])
    assert expected.scores.abs().max() > 0


def test_evaluation_changes_nothing_and_depends_on_nothing_before():
    model, _ = converted()
    before = copy.deepcopy(model.state_dict())
    inputs = data()[0]
    first = evaluate(model, inputs).scores
    evaluate(model, inputs[:3], record=True)
    assert torch.equal(evaluate(model, inputs, record=True).scores, first)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    # No batch's membranes are kept.
    assert [stage.v for stage in model.stages if hasattr(stage, "v")] == [0.5, 0.5]


def test_a_constant_code_is_one_product_and_the_same_answer():
    model, _ = converted()
    with torch.no_grad():
        spikes = conversion.harness_encode(model=model, inputs=data()[0], generator=generator())
        short = conversion.harness_evaluate(model=model, spikes=spikes, record=True)
        long = conversion.harness_evaluate(model=model, spikes=spikes.contiguous(), record=True)
    assert spikes.stride(0) == 0
    torch.testing.assert_close(short.scores, long.scores)
    # The image went along with the one, and not with its copy.
    assert set(short.references) == {"ann"}
    assert long.references == {}


def test_recorded_layers_are_the_network():
    model, scalars = converted()
    found = evaluate(model, data()[0], record=True)
    first, second, readout = found.layers
    assert second.inputs is first.outputs
    assert set(first.outputs.unique().tolist()) == {0.0, 1.0}
    assert readout.outputs is None
    currents = readout.connection(readout.inputs * scalars["scale2"])
    torch.testing.assert_close(found.scores, currents.cumsum(0))


def test_what_has_no_still_image_is_unsupported():
    with pytest.raises(Unsupported, match="spike-train"):
        build(task=Task("fit", SPIKE_TRAIN, (1, 3, 4), 3, 40))
    with pytest.raises(Unsupported, match="static inputs"):
        build(task=Task("shd", "classification", (12,), 3, 40, steps=10))


def test_learns_digits_and_keeps_it_through_the_conversion(digits):
    assert digits("spikingjelly-conversion", "harness_spikingjelly.conversion") > 0.93
