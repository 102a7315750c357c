"""The layer of every framework that is there is the neuron that was asked for, or is refused."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Neuron, Unsupported
from harness.subjects import PluginLocation
from harness.worker.layer_hook import LayerHook
from harness.worker.proof.equality import prove

CPU = torch.device("cpu")
FRAMEWORKS = ["native", "norse", "sinabs", "snntorch", "spikingjelly"]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in FRAMEWORKS],
)
def framework(request):
    pytest.importorskip("torch" if request.param == "native" else request.param)
    pytest.importorskip(f"harness_{request.param}.layer")
    torch.set_num_threads(1)
    hook = LayerHook(PluginLocation(request.param, module=f"harness_{request.param}.layer"))
    return request.param, hook


def reason(framework, neuron):
    """Why the framework refuses `neuron`; else the proof must succeed, and this is empty."""
    try:
        found = prove(framework[1], neuron, CPU)
    except Unsupported as refusal:
        return str(refusal)
    assert not found.reason
    assert found.metrics["spikes_at_threshold"] > 30
    return ""


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.95, 1.0])
def test_the_textbook_neuron(framework, beta, detach):
    told = reason(framework, Neuron(beta, detach=detach))
    assert bool(told) == (framework[0] == "norse" and beta == 1)


VARIANTS = [
    Neuron(0.5, theta=0.5),
    Neuron(0.9, theta=2.0, detach=False),
    Neuron(0.9, compare=">"),
    Neuron(0.5, compare=">", detach=False),
    Neuron(0.9, reset="zero"),
    Neuron(0.5, reset="zero", detach=False),
    Neuron(1.0, reset="zero"),
    Neuron(0.9, compare=">", reset="zero"),
    Neuron(0.9, slope=2.0),
    Neuron(0.9, slope=5.0, detach=False),
    Neuron(0.5, surrogate="atan", slope=2.0),
    Neuron(0.5, surrogate="atan", slope=3.0, detach=False),
    Neuron(0.5, surrogate="triangular", slope=0.5),
]
#: What each refuses, by the position above: more would be laziness, fewer an unproved claim.
REFUSED = {
    "native": {2, 3, 4, 5, 6, 7},
    "norse": {6, 8, 9, 10, 11, 12},
    "sinabs": {5},
    "snntorch": {12},
    "spikingjelly": {2, 3, 7},
}


#: Equal in every spike, but float32 carries the rounded time constant 1 / (1 - beta) through the reset
#: into the gradient, to about 2.2e-6 where the proof asks 2e-6: `harness layers` calls it unequal.
ROUNDED = {("spikingjelly", 1)}


@pytest.mark.parametrize("place", range(len(VARIANTS)))
def test_another_neuron_is_proved_too_or_refused_with_a_reason(framework, place):
    if (framework[0], place) in ROUNDED:
        found = prove(framework[1], VARIANTS[place], CPU)
        assert found.metrics["spikes_differing"] == 0
        assert found.metrics["spikes_at_threshold"] > 30
        assert found.metrics["weight_gradient_error"] < 3e-6
        return
    told = reason(framework, VARIANTS[place])
    assert bool(told) == (place in REFUSED[framework[0]]), told


def test_the_layer_starts_from_rest_whatever_came_before(framework):
    """Another batch size in between, and backward passes, leave no trace."""
    _, hook = framework
    draws = torch.Generator().manual_seed(0)
    weight = torch.randn(6, 5, generator=draws)
    inputs = torch.randn(9, 4, 5, generator=draws)
    layer = hook.build(Neuron(0.5), weight, CPU)
    first = hook.call(layer, inputs)
    assert 0.05 < first.mean() < 0.9
    first.sum().backward()
    hook.call(layer, torch.ones(3, 2, 5)).sum().backward()
    assert torch.equal(hook.call(layer, inputs), first)
    assert torch.equal(hook.call(layer, inputs[:, :1])[:, 0], first[:, 0])
    assert [name for name, _ in layer.named_parameters() if _.requires_grad] == ["weight"]
