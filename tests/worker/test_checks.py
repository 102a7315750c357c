from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InvalidOutput
from harness.plugin import Evaluation, Layer, ModelNeuron, Neuron, Parameter, Presets
from harness.worker import checks

INPUTS = torch.zeros(3, 1, 8, 8)
NAN, INF = float("nan"), float("inf")


class Odd(torch.Tensor):
    """A subclass may answer whatever it likes."""


def with_one(shape, value):
    """Zeros with `value` in the last place."""
    tensor = torch.zeros(shape)
    tensor.view(-1)[-1] = value
    return tensor


def refused(call, *arguments):
    with pytest.raises(InvalidOutput) as error:
        call(*arguments)
    return str(error.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "returned nothing, wanted a tensor"),
        ([1.0], "returned list, wanted a tensor"),
        (torch.zeros(3), "shape (3,), wanted [T, B=3, ...]"),
        (torch.zeros(3, 5, 64), "shape (3, 5, 64), wanted [T, B=3, ...]"),
        (torch.zeros(0, 3, 64), "shape (0, 3, 64), wanted [T, B=3, ...]"),
        (torch.zeros(4, 3, 64, dtype=torch.int64), "torch.int64 on cpu, wanted floats on cpu"),
        (torch.zeros(4, 3, 64, dtype=torch.bool), "torch.bool on cpu, wanted floats on cpu"),
        (torch.zeros(4, 3, 64, device="meta"), "torch.float32 on meta, wanted floats on cpu"),
        (torch.zeros(4, 3, 64).to_sparse(), "returned torch.sparse_coo, wanted a plain tensor"),
        (Odd(torch.zeros(4, 3, 64)), "returned Odd, wanted a plain tensor"),
        (with_one((4, 3, 64), NAN), "spikes: not finite, one value is nan"),
        (with_one((4, 3, 64), -INF), "spikes: not finite, one value is -inf"),
        (with_one((3, 64), NAN).expand(4, 3, 64), "spikes: not finite, one value is nan"),
    ],
)
def test_a_wrong_encoding_is_told(value, reason):
    assert refused(checks.encoded, value, INPUTS) == f"harness_encode: {reason}"


@pytest.mark.parametrize(
    "value",
    [torch.zeros(1, 3, 64), torch.zeros(4, 3, 1, 8, 8), torch.rand(3, 64).expand(9, 3, 64)],
)
def test_a_right_encoding_passes_unchanged(value):
    assert checks.encoded(value, INPUTS) is value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "returned nothing, wanted Evaluation"),
        (torch.zeros(3, 10), "returned Tensor, wanted Evaluation"),
        (Evaluation(torch.zeros(3, 10), None), "layers are no sequence of Layer"),
        (Evaluation(torch.zeros(3, 10), [3]), "layers are no sequence of Layer"),
        (Evaluation(torch.zeros(3, 10), [Layer(5, *3 * [None])]), "a layer's name is no text"),
        (Evaluation(torch.zeros(3, 10), (), [1]), "references are list, wanted a mapping"),
        (Evaluation(torch.zeros(3, 10), delay="2"), "delay is '2', wanted a number of steps"),
        (Evaluation(torch.zeros(3, 10), delay=-1), "delay is -1, wanted a number of steps"),
        (Evaluation([0.0]), "scores are list, wanted a plain tensor"),
        (Evaluation(Odd(torch.zeros(3, 10))), "scores are Odd, wanted a plain tensor"),
        (Evaluation(torch.zeros(3, 10).to_sparse()), "scores are Tensor, wanted a plain tensor"),
        (Evaluation(torch.zeros(3, 10).long()), "scores are torch.int64, wanted floats"),
        (Evaluation(torch.zeros(3, 10).bool()), "scores are torch.bool, wanted floats"),
        (
            Evaluation(torch.zeros(3, 10).to(torch.float8_e4m3fn)),
            "scores are torch.float8_e4m3fn, wanted",
        ),
        (Evaluation(torch.zeros(3, 10, device="meta")), "scores are on the device 'meta'"),
        (Evaluation(torch.zeros(3, 9)), "scores have shape (3, 9), wanted (3, 10) or (T, 3, 10)"),
        (Evaluation(torch.zeros(3)), "scores have shape (3,)"),
        (Evaluation(torch.zeros(0, 3, 10)), "scores have shape (0, 3, 10)"),
        (Evaluation(torch.zeros(2, 2, 3, 10)), "scores have shape (2, 2, 3, 10)"),
        (Evaluation(with_one((3, 10), NAN)), "scores: not finite, one value is nan"),
        (Evaluation(with_one((4, 3, 10), INF)), "scores: not finite, one value is inf"),
    ],
)
def test_wrong_scores_are_told(value, reason):
    assert refused(checks.scores, value, 3, 10).startswith(f"harness_evaluate: {reason}")


def test_scores_of_any_float_type_pass():
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        checks.scores(Evaluation(torch.zeros(4, 3, 10, dtype=kind)), 3, 10)


def test_a_neuron_is_a_model_neuron_or_none():
    used = ModelNeuron(Neuron(0.9), lambda currents: currents)
    assert checks.neuron(used) is used
    assert checks.neuron(None) is None
    told = refused(checks.neuron, Neuron(0.9))
    assert told == "harness_neuron: returned Neuron, wanted ModelNeuron or None"


def test_reference_scores_are_named():
    told = refused(checks.references, {"ann": torch.zeros(3, 9)}, 3, 10)
    assert told == "harness_evaluate: reference 'ann' is not (3, 10)"
    told = refused(checks.references, {"ann": with_one((3, 10), NAN)}, 3, 10)
    assert told == "harness_evaluate: reference 'ann': not finite, one value is nan"
    checks.references({"ann": torch.zeros(3, 10)}, 3, 10)


SPIKES = torch.ones(4, 3, 6)
WEIGHT = torch.ones(5, 6)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Layer("l", None, WEIGHT, SPIKES), "inputs are nothing, wanted [T, B=3, ...]"),
        (Layer("l", Odd(SPIKES), WEIGHT, SPIKES), "inputs are Odd, wanted [T, B=3, ...]"),
        (Layer("l", SPIKES[0], WEIGHT, SPIKES), "inputs are (3, 6), wanted [T, B=3, ...]"),
        (Layer("l", SPIKES[:, :2], WEIGHT, SPIKES), "inputs are (4, 2, 6), wanted [T, B=3, ...]"),
        (Layer("l", SPIKES, WEIGHT, SPIKES[:, :1]), "outputs are (4, 1, 6), wanted [T, B=3, ...]"),
        (
            Layer("l", SPIKES, WEIGHT, SPIKES[:1]),
            "inputs of 4 steps and outputs of 1",
        ),
        (
            Layer("l", with_one((4, 3, 6), NAN), WEIGHT, None),
            "inputs: not finite, one value is nan",
        ),
        (Layer("l", SPIKES, WEIGHT, SPIKES / 2), "spikes are not binary, one is 0.5"),
        (Layer("l", SPIKES, WEIGHT, with_one((4, 3, 6), 2)), "spikes are not binary, one is 2"),
        (Layer("l", SPIKES, WEIGHT, -SPIKES), "spikes are not binary, one is -1"),
        (Layer("l", SPIKES, WEIGHT[0], None), "its connection has no weight [n_out, n_in]"),
        (Layer("l", SPIKES, torch.nn.ReLU(), None), "its connection has no weight [n_out, n_in]"),
    ],
)
def test_a_wrong_layer_is_told_with_its_name(layer, reason):
    assert refused(checks.layers, [layer], 3) == f"harness_evaluate: layer 'l': {reason}"


def test_right_layers_pass():
    checks.layers(
        [
            Layer("spikes", SPIKES, WEIGHT, with_one((4, 3, 6), 1)),
            Layer("values", SPIKES / 3, torch.nn.Linear(6, 5), SPIKES / 2, spiking=False),
            Layer("image", torch.ones(4, 3, 1, 5, 5), torch.nn.Conv2d(1, 2, 3), None),
        ],
        3,
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "returned nothing, wanted a mapping of scalars"),
        (0.5, "returned float, wanted a mapping of scalars"),
        ({"loss": torch.zeros(2)}, "'loss' is Tensor, wanted a float or 0-d tensor"),
        ({"loss": "low"}, "'loss' is str, wanted a float or 0-d tensor"),
        ({"loss": None}, "'loss' is nothing, wanted a float or 0-d tensor"),
        ({1: 0.5}, "1 is float, wanted a float or 0-d tensor"),
    ],
)
def test_wrong_scalars_are_told(value, reason):
    assert refused(checks.scalars, value, "hook") == f"hook: {reason}"


@given(st.dictionaries(st.text(), st.floats()))
def test_numbers_pass_exactly_where_all_are_finite(numbers):
    if all(abs(number) < INF for number in numbers.values()):
        checks.finite_scalars(numbers, "hook")
    else:
        assert refused(checks.finite_scalars, numbers, "hook").startswith("hook: ")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "returned nothing, wanted Presets"),
        (Presets({}), "parameter 'epochs' is missing: add it"),
        (
            Presets({"epochs": Parameter(1.0, "")}),
            "parameter 'epochs' needs an integer as default, not 1.0",
        ),
        (Presets({"epochs": Parameter(1, "")}), "parameter 'batch_size' is missing"),
        (
            Presets({"epochs": Parameter(1, ""), "batch_size": Parameter(True, "")}),
            "parameter 'batch_size' needs an integer as default, not True",
        ),
    ],
)
def test_wrong_presets_are_told(value, reason):
    assert refused(checks.presets, value).startswith(f"harness_presets: {reason}")


def test_what_is_no_module_is_no_model():
    told = refused(checks.model, lambda x: x)
    assert told == "harness_build_model: returned function, wanted nn.Module"
