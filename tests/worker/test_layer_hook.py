"""A layer behind its hook: what it may be, and what it may answer."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import Neuron

CPU = torch.device("cpu")

REPLACED = """
@hookimpl
def harness_layer(neuron, n_in, n_out, device):
    layer = Layer(neuron, n_in, n_out, device)
    {}
    return layer
"""


def test_a_plugin_without_the_hook_is_told(layer_hook):
    with pytest.raises(InvalidOutput, match="mine does not implement harness_layer"):
        layer_hook("x = 1", base="")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return 5", "returned int, not a module"),
        ("del layer.weight", r"needs a parameter `weight` of shape \(3, 2\)"),
        (
            "layer.weight = nn.Parameter(torch.zeros(2, 3))",
            r"needs a parameter `weight` of shape \(3, 2\)",
        ),
        ("layer.double()", "the weight is torch.float64 on cpu, not float32 on cpu"),
    ],
)
def test_what_is_no_layer_is_invalid(layer_hook, code, told):
    with pytest.raises(InvalidOutput, match=told):
        layer_hook(REPLACED.format(code)).build(Neuron(0.9), torch.zeros(3, 2), CPU)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("inputs", r"returned \(5, 4, 2\), not \(5, 4, 3\)"),
        ("None", r"returned NoneType, not \(5, 4, 3\)"),
        ("inputs @ self.weight.T + 0.5", "values other than 0 and 1"),
        ("(inputs @ self.weight.T).detach()", "have no gradient"),
    ],
)
def test_what_are_no_spikes_is_invalid(layer_hook, answer, told):
    code = f"class Layer(Layer):\n    def forward(self, inputs):\n        return {answer}\n"
    found = layer_hook(code)
    layer = found.build(Neuron(0.9), torch.zeros(3, 2), CPU)
    with pytest.raises(InvalidOutput, match=told):
        found.call(layer, torch.zeros(5, 4, 2))
