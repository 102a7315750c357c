"""Convolutions and average pooling, converted by SpikingJelly, against the equations written out."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
conversion = pytest.importorskip("harness_spikingjelly.conversion")

from torch.nn import functional

from harness.measure.activity import ActivityMeter
from harness.plugin import Params, Task
from harness.worker.checks import layers as check_layers

pytestmark = pytest.mark.spikingjelly

CPU = torch.device("cpu")
TASK = Task("images", "classification", (1, 8, 8), 4, 64)


def build(seed=0, **overrides):
    values = {"channels": "3-5", "kernel": 3, "batch_size": 32, "dropout": 0.2, **overrides}
    params = Params(**conversion.harness_presets().resolve("conv", TASK.name, values))
    torch.manual_seed(seed)
    return conversion.harness_build_model(task=TASK, params=params, device=CPU)


def data(samples=64):
    draws = torch.Generator().manual_seed(3)
    inputs = torch.rand(samples, *TASK.input_shape, generator=draws)
    return inputs, torch.randint(TASK.classes, (samples,), generator=draws)


def converted(**overrides):
    model = build(**overrides)
    inputs, targets = data()
    model.train()
    for _ in range(8):
        spikes = conversion.harness_encode(model=model, inputs=inputs, generator=torch.Generator())
        conversion.harness_train_step(model=model, spikes=spikes, targets=targets)
    model.eval()
    batches = list(zip(inputs.split(32), targets.split(32)))
    with torch.no_grad():
        scalars = conversion.harness_finish_training(model=model, batches=batches)
    return model, [float(scalars[name]) for name in sorted(scalars)]


@torch.no_grad()
def evaluate(model, inputs, record=False):
    draws = torch.Generator().manual_seed(2)
    spikes = conversion.harness_encode(model=model, inputs=inputs, generator=draws)
    return spikes, conversion.harness_evaluate(model=model, spikes=spikes, record=record)


def literal(model, spikes, scales):
    """Integrate-and-fire neurons of threshold 1, started at one half, step by step."""
    *hidden, readout = [(each.weight.double(), each.bias.double()) for each in model.connections]
    membranes, total, scores = [0.5, 0.5], 0, []
    fired = [[], []]
    for value in spikes.double().view(len(spikes), -1, *TASK.input_shape):
        for number, ((weight, bias), scale) in enumerate(zip(hidden, scales)):
            current = functional.conv2d(value, weight, bias, padding=1)
            membranes[number] = membranes[number] + current / scale
            emitted = (membranes[number] >= 1).double()
            membranes[number] = membranes[number] - emitted
            fired[number].append(emitted)
            value = functional.avg_pool2d(scale * emitted, 2)
        total = total + functional.linear(value.flatten(1), *readout)
        scores.append(total)
    return torch.stack(scores), [torch.stack(each) for each in fired]


@pytest.mark.parametrize("batch_norm", [True, False])
def test_the_spiking_network_is_the_relu_network_written_as_integrate_and_fire(batch_norm):
    model, scales = converted(code="poisson", steps=30, batch_norm=batch_norm)
    spikes, found = evaluate(model, data()[0][:4], record=True)
    scores, fired = literal(model, spikes, scales)
    for layer, expected in zip(found.layers, fired):
        assert 0.01 < expected.mean() < 0.9
        assert (layer.outputs != expected).float().mean() < 1e-3
    torch.testing.assert_close(found.scores.double(), scores, rtol=0.02, atol=0.05)


def test_the_rates_approach_the_relu_network():
    model, _ = converted(mode="Max", momentum=1.0, steps=512)
    _, found = evaluate(model, data()[0][32:], record=True)
    logits, wanted = found.scores[-1] / 512, found.references["ann"]
    assert (logits - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_operations_behind_pooling_are_multiply_accumulates():
    model, _ = converted(code="poisson")
    _, found = evaluate(model, data()[0][:8], record=True)
    check_layers(found.layers, 8)
    meter = ActivityMeter()
    meter.add(found.layers, 8)
    first, second, readout = meter.layers()
    assert first["synops_mac"] == 0 < first["synops_ac"]
    assert second["synops_ac"] == 0 < second["synops_mac"]
    assert readout["synops_ac"] == 0 < readout["synops_mac"]


def test_a_constant_current_is_convolved_once_and_gives_the_same():
    model, _ = converted()
    with torch.no_grad():
        spikes = conversion.harness_encode(
            model=model, inputs=data()[0][:4], generator=torch.Generator()
        )
        assert spikes.stride(0) == 0
        for view, full in zip(model(spikes), model(spikes.contiguous()), strict=True):
            torch.testing.assert_close(view, full)


def test_the_state_is_one_set_of_weights_and_loads_into_a_new_model():
    model, _ = converted(batch_norm=False)
    sizes = [value.numel() for value in model.state_dict().values()]
    weights = sum(each.numel() for layer in model.connections for each in layer.parameters())
    assert sum(sizes) == weights + 4 + 1  # the scalers', and whether it is folded
    again = build(seed=9, batch_norm=False).eval()
    again.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    inputs = data()[0][:8]
    one, other = (evaluate(each, inputs, record=True)[1] for each in (model, again))
    assert torch.equal(one.scores, other.scores)
    assert torch.equal(one.references["ann"], other.references["ann"])


def test_large_batches_are_calibrated_in_parts(monkeypatch):
    module = pytest.importorskip("harness_spikingjelly.conversion_stages")
    model, whole = converted()
    monkeypatch.setattr(module, "MOST_VALUES", 3 * 8 * 8 * 16)
    inputs, targets = data()
    with torch.no_grad():
        parts = [float(scale) for scale in model.calibrate([(inputs, targets)])]
        same = model.calibrate(list(zip(inputs.split(16), targets.split(16))))
    assert parts == [float(scale) for scale in same] != whole


def test_a_network_of_the_users_is_converted_as_it_is(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\n\n"
        "def make():\n"
        "    torch.manual_seed(4)\n"
        "    return nn.Sequential(\n"
        "        nn.AvgPool2d(2), nn.Conv2d(1, 6, 3), nn.Dropout(0.1), nn.ReLU(),\n"
        "        nn.Conv2d(6, 4, 2), nn.Flatten(),\n"
        "    )\n"
    )
    model = build(model=f"{tmp_path}/net.py:make", mode="Max", momentum=1.0, steps=400)
    inputs, targets = data()
    with torch.no_grad():
        conversion.harness_finish_training(model=model.eval(), batches=[(inputs, targets)])
    _, found = evaluate(model, inputs, record=True)
    expected = found.references["ann"]
    torch.manual_seed(4)
    wanted = torch.nn.Sequential(
        torch.nn.AvgPool2d(2), torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 4, 2)
    )
    assert torch.equal(expected, wanted(inputs).detach().flatten(1))
    assert [layer.name for layer in found.layers] == ["conv1", "conv2"]
    assert (found.scores[-1].argmax(1) == expected.argmax(1)).float().mean() > 0.9
