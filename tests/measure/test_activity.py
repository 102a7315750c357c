"""The counts of spikes and operations against loops that a reader can check."""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.measure.activity import METRICS, ActivityMeter
from harness.plugin import Layer


def counted(*layers, batches=1):
    meter = ActivityMeter()
    for _ in range(batches):
        meter.add(layers, layers[0].inputs.shape[1])
    return meter


def tensor(shape, values, seed):
    """A tensor of `shape` drawn from `values`."""
    draws = torch.Generator().manual_seed(seed)
    return torch.tensor(values)[torch.randint(len(values), shape, generator=draws)]


def linear_by_hand(weight, inputs):
    """(dense, effective) operations, one multiplication after the other."""
    dense = effective = 0
    for step, sample in itertools.product(range(inputs.shape[0]), range(inputs.shape[1])):
        values = inputs[step, sample].flatten().tolist()
        for row in weight.tolist():
            for w, x in zip(row, values):
                dense += 1
                effective += w != 0 and x != 0
    return dense, effective


def conv_by_hand(conv, inputs):
    """The same for a convolution: a connection leads from a pixel that is there to an output."""
    dense = effective = 0
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (
        conv.kernel_size, conv.stride, conv.padding, conv.dilation,
    )  # fmt: skip
    with torch.no_grad():
        out = conv(inputs[0])
    height, width = inputs.shape[-2:]
    per_group_in = conv.in_channels // conv.groups
    per_group_out = conv.out_channels // conv.groups
    for step, sample, o, y, x in itertools.product(
        range(inputs.shape[0]), range(inputs.shape[1]), *(range(n) for n in out.shape[1:])
    ):
        for i, a, b in itertools.product(range(per_group_in), range(kh), range(kw)):
            row, column = y * sh - ph + a * dh, x * sw - pw + b * dw
            if 0 <= row < height and 0 <= column < width:
                channel = o // per_group_out * per_group_in + i
                dense += 1
                effective += bool(
                    conv.weight[o, i, a, b] != 0 and inputs[step, sample, channel, row, column] != 0
                )
    return dense, effective


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(0, 999)
)
def test_a_linear_layer_is_counted_as_by_hand(steps, batch, n_in, n_out, seed):
    weight = tensor((n_out, n_in), [0.0, 0.5, -2.0], seed)
    inputs = tensor((steps, batch, n_in), [0.0, 1.0], seed + 1)
    dense, effective = linear_by_hand(weight, inputs)
    module = nn.Linear(n_in, n_out)
    module.weight.data.copy_(weight)
    for connection in (weight, module):
        metrics = counted(Layer("l", inputs, connection, None)).metrics()
        assert metrics["synops_dense"] == dense / batch
        assert metrics["synops_ac"] == metrics["synops_effective"] == effective / batch
        assert metrics["synops_mac"] == 0
        assert metrics["input_density"] == pytest.approx(inputs.mean().item())


def test_image_inputs_of_a_linear_layer_are_flattened():
    inputs = tensor((2, 3, 1, 4, 4), [0.0, 1.0], 0)
    weight = tensor((5, 16), [0.0, 1.0], 1)
    dense, effective = linear_by_hand(weight, inputs)
    metrics = counted(Layer("l", inputs, weight, None)).metrics()
    assert (metrics["synops_dense"], metrics["synops_ac"]) == (dense / 3, effective / 3)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": 1},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "bias": False},
        {"groups": 2},
    ],
)
def test_a_convolution_is_counted_as_by_hand(options):
    conv = nn.Conv2d(2, 4, 3, **options)
    conv.weight.data[0] = 0  # a pruned filter does nothing
    before = conv.weight.detach().clone()
    inputs = tensor((2, 3, 2, 6, 5), [0.0, 0.0, 1.0], 3)
    dense, effective = conv_by_hand(conv, inputs)
    metrics = counted(Layer("c", inputs, conv, None)).metrics()
    assert (metrics["synops_dense"], metrics["synops_ac"]) == (dense / 3, effective / 3)
    assert torch.equal(conv.weight, before)  # counting leaves the network as it was


@pytest.mark.parametrize("connection", [torch.ones(4, 2 * 3 * 3), nn.Conv2d(2, 4, 3)])
def test_an_expanded_view_counts_as_its_copies(connection):
    one = tensor((1, 5, 2, 3, 3), [0.0, 0.5], 0)
    view = one.expand(7, -1, -1, -1, -1)
    assert view.stride(0) == 0
    metrics = counted(Layer("l", view, connection, None)).metrics()
    copies = counted(Layer("l", view.clone(), connection, None)).metrics()
    # All but the fewest operations: of a constant input one product would do, of copies nobody knows.
    assert metrics.pop("fewest_flops") * 7 == pytest.approx(copies.pop("fewest_flops"))
    assert metrics.pop("energy_once_nj") * 7 == pytest.approx(metrics["energy_modelled_nj"])
    assert metrics == copies
    assert metrics["synops_dense"] > 0


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.0, 1.0], "ac"),
        ([0.0, 1.0, -1.0], "ac"),
        ([0.0, 2.0], "mac"),
        ([0.0, 1.0, 0.5], "mac"),
    ],
)
def test_operations_are_accumulates_exactly_where_all_inputs_are_ternary(values, kind):
    inputs = tensor((3, 4, 20), values, 0)
    metrics = counted(Layer("l", inputs, torch.ones(2, 20), None)).metrics()
    other = {"ac": "mac", "mac": "ac"}[kind]
    assert metrics[f"synops_{kind}"] == 2 * inputs.count_nonzero().item() / 4
    assert metrics[f"synops_{other}"] == 0


def test_one_real_value_in_a_later_batch_makes_the_whole_layer_multiply():
    meter, weight = ActivityMeter(), torch.ones(2, 3)
    meter.add([Layer("l", torch.ones(1, 1, 3), weight, None)], 1)
    meter.add([Layer("l", torch.full((1, 1, 3), 0.5), weight, None)], 1)
    assert meter.metrics()["synops_ac"] == 0
    assert meter.metrics()["synops_mac"] == 6


def test_layers_add_up_and_are_told_apart():
    """A hidden layer of spikes, fed by real values, and a readout that emits nothing."""
    pixels = tensor((2, 4, 6), [0.0, 0.25], 0)
    spikes = tensor((2, 4, 5), [0.0, 1.0], 1)
    hidden = Layer("hidden", pixels, torch.ones(5, 6), spikes)
    readout = Layer("readout", spikes, torch.ones(3, 5), None)
    meter = counted(hidden, readout)
    metrics = meter.metrics()
    real, ones = pixels.count_nonzero().item(), spikes.count_nonzero().item()
    assert metrics["synops_dense"] == 2 * (5 * 6 + 3 * 5)
    assert metrics["synops_mac"] == 5 * real / 4
    assert metrics["synops_ac"] == 3 * ones / 4
    assert metrics["synops_effective"] == (5 * real + 3 * ones) / 4
    assert metrics["spikes_per_sample"] == ones / 4
    assert metrics["activation_sparsity"] == pytest.approx(1 - ones / 40)
    assert metrics["input_density"] == real / 48  # that of the network: its first layer's
    first, second = meter.layers()
    assert (first["name"], second["name"]) == ("hidden", "readout")
    assert first["synops_mac"] == first["synops_effective"] == metrics["synops_mac"]
    assert second["synops_ac"] == second["synops_effective"] == metrics["synops_ac"]
    assert second["input_density"] == ones / 40
    assert "activation_sparsity" not in second
    assert "spikes_per_sample" not in second


def test_activations_that_are_no_spikes_have_a_sparsity_and_are_not_counted_as_spikes():
    values = torch.tensor([[[0.0, 0.5, 2.0, 0.0]]])
    metrics = counted(Layer("relu", values, torch.ones(4, 4), values, spiking=False)).metrics()
    assert metrics["activation_sparsity"] == 0.5
    assert "spikes_per_sample" not in metrics


def test_batches_of_different_sizes_add_up_to_the_whole():
    inputs = tensor((3, 7, 5), [0.0, 1.0], 0)
    outputs = tensor((3, 7, 2), [0.0, 1.0], 1)
    weight = torch.ones(2, 5)
    whole = counted(Layer("l", inputs, weight, outputs)).metrics()
    meter = ActivityMeter()
    for part in (slice(0, 4), slice(4, 7)):
        meter.add([Layer("l", inputs[:, part], weight, outputs[:, part])], part.stop - part.start)
    assert meter.metrics() == pytest.approx(whole)
    assert meter.samples == 7


def test_without_layers_there_are_no_metrics():
    assert ActivityMeter().metrics() == {}
    assert ActivityMeter().layers() == []


def test_connection_sparsity_counts_each_weight_once_and_no_bias():
    weight = torch.tensor([[0.0, 1.0, 0.0], [2.0, -0.0, 3.0]])
    conv = nn.Conv2d(1, 1, 2)
    conv.weight.data.copy_(torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]]))
    conv.bias.data.zero_()
    meter = ActivityMeter()
    for _ in range(3):
        image = torch.ones(1, 2, 1, 3, 3)
        meter.add([Layer("a", torch.ones(1, 2, 3), weight, None), Layer("b", image, conv, None)], 2)
    assert meter.metrics()["connection_sparsity"] == (3 + 1) / (6 + 4)
    assert [one["connection_sparsity"] for one in meter.layers()] == [3 / 6, 1 / 4]


def test_a_frameworks_own_convolution_is_counted_by_what_it_inherits():
    """Some want time as a dimension of their own, which the count must not depend on."""

    class WithTime(nn.Conv2d):
        def forward(self, inputs):
            assert inputs.ndim == 5, "called as it is not meant to be"
            return super().forward(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])

    conv = WithTime(2, 3, 3, stride=2, padding=1)
    inputs = tensor((2, 3, 2, 6, 5), [0.0, 1.0], 3)
    plain = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    plain.weight.data.copy_(conv.weight.data)
    dense, effective = conv_by_hand(plain, inputs)
    metrics = counted(Layer("c", inputs, conv, None)).metrics()
    assert (metrics["synops_dense"], metrics["synops_ac"]) == (dense / 3, effective / 3)


def test_every_metric_that_is_not_there_has_a_reason():
    spikes = torch.ones(1, 2, 3)
    for layers in (
        [],
        [Layer("l", spikes, torch.ones(4, 3), None)],
        [Layer("l", spikes, torch.ones(4, 3), spikes / 2, spiking=False)],
        [Layer("l", spikes, torch.ones(4, 3), spikes)],
        [Layer("l", spikes, nn.GRUCell(3, 4), spikes)],
        [Layer("l", spikes, nn.Bilinear(3, 3, 4), spikes)],
    ):
        meter = ActivityMeter()
        meter.add(layers, 2)
        assert sorted([*meter.metrics(), *meter.absent()]) == sorted(METRICS)


def test_reasons_tell_what_is_missing():
    meter = ActivityMeter()
    meter.add([], 2)
    assert set(meter.absent().values()) == {"the plugin records no layer"}
    absent = counted(Layer("l", torch.ones(1, 2, 3), torch.ones(4, 3), None)).absent()
    assert absent == {
        "activation_sparsity": "no recorded layer has outputs",
        "spikes_per_sample": "no recorded layer emits spikes",
    }


@pytest.mark.parametrize(
    ("connection", "name", "weighted"),
    [
        (nn.ConvTranspose1d(3, 4, 1), "a module ConvTranspose1d", True),
        (nn.LSTMCell(3, 4), "a module LSTMCell", False),
        (torch.ones(4, 3, 1, 1), "a weight of 4 dimensions", True),
    ],
)
def test_a_connection_of_another_kind_costs_the_operations_and_nothing_else(
    connection, name, weighted
):
    spikes = tensor((5, 2, 3), [0.0, 1.0], 0)
    known = Layer("known", spikes, torch.ones(3, 3), spikes)
    meter = counted(known, Layer("strange", spikes, connection, spikes))
    metrics, absent = meter.metrics(), meter.absent()
    reason = f"no operations can be counted for {name}, of layer 'strange'"
    for metric in ("synops_dense", "synops_ac", "synops_mac", "synops_effective"):
        assert metric not in metrics
        assert absent[metric] == reason
    assert metrics["activation_sparsity"] == pytest.approx(1 - spikes.mean().item())
    assert ("connection_sparsity" in metrics) is weighted
    assert ("connection_sparsity" in absent) is not weighted
    first, second = meter.layers()
    assert first["synops_dense"] == 5 * 9
    assert "synops_dense" not in second


@pytest.mark.parametrize(
    ("dtype", "mac", "ac"),
    [(torch.float32, 4.6, 0.9), (torch.float16, 1.5, 0.4), (torch.int8, 0.23, 0.03)],
)
def test_modelled_energy_is_the_operations_times_the_price_of_their_precision(dtype, mac, ac):
    weight = torch.ones(2, 3, dtype=dtype)
    spiking = Layer("hidden", torch.ones(5, 1, 3), weight, torch.ones(5, 1, 2))
    real = Layer("readout", torch.full((5, 1, 3), 0.5), weight, None)
    found = counted(spiking, real).metrics()
    assert (found["synops_ac"], found["synops_mac"]) == (30, 30)
    assert found["energy_modelled_nj"] == pytest.approx(30 * (mac + ac) / 1000)
    assert "energy_once_nj" not in found  # nothing is constant


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_operations_without_a_published_price_have_no_energy(dtype):
    layer = Layer("hidden", torch.ones(5, 1, 3), torch.ones(2, 3, dtype=dtype), None)
    meter = counted(layer)
    assert "energy_modelled_nj" not in meter.metrics()
    kind = str(dtype).removeprefix("torch.")
    assert meter.absent()["energy_modelled_nj"] == (
        f"no published price of {kind} operations, of layer 'hidden'"
    )


def test_a_constant_input_is_priced_in_every_step_and_once():
    weight = torch.ones(2, 3)
    constant = torch.full((1, 1, 3), 0.5).expand(10, 1, 3)
    spikes = torch.ones(10, 1, 3)
    layers = Layer("hidden", constant, weight, None), Layer("readout", spikes, weight, None)
    found = counted(*layers).metrics()
    assert found["energy_modelled_nj"] == pytest.approx((60 * 4.6 + 60 * 0.9) / 1000)
    assert found["energy_once_nj"] == pytest.approx((6 * 4.6 + 60 * 0.9) / 1000)
