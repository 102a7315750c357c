"""A layer as it is measured."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import Neuron, Unsupported
from harness.protocol.requests import OpenLayer, TakeRound
from harness.subjects import LayerRow, LayerSize, PluginLocation
from harness.worker.sessions import layer
from harness.worker.sessions.layer import LayerSession, drawn, refuse_what_does_not_fit

CPU = torch.device("cpu")
SIZE = LayerSize(neurons=40, steps=12, batch=4, density=0.3)
ROUND = TakeRound(what="layer", seconds=0.0, calls=2)


@pytest.fixture
def session(layer_hook):
    def open_(code="", size=SIZE, to_follow=0):
        row = LayerRow(plugin="mine", framework="none", neuron=Neuron(0.9), size=size)
        request = OpenLayer(plugin=PluginLocation("mine"), row=row, to_follow=to_follow)
        return LayerSession(request, layer_hook(code), CPU)

    return open_


@pytest.mark.parametrize("density", [1.0, 0.3])
def test_the_layer_is_checked_when_it_is_opened_and_timed_by_rounds(session, density):
    opened = session(size=SIZE.model_copy(update={"density": density}))
    told = opened.opened()
    assert told.first_call_ms > 0
    assert told.batches == {"forward": 4, "backward": 4, "total": 4}
    facts = told.facts
    assert facts["spikes_compared"] == 12 * 4 * 32
    assert facts["spikes_differing"] == 0
    assert facts["weight_gradient_error"] < 1e-5
    assert facts["unlike"] == ""
    assert facts["nonzero"] == (12 * 4 * 40 if density == 1 else pytest.approx(576, rel=0.2))
    assert facts["layer_input_density"] == facts["nonzero"] / (12 * 4 * 40)
    assert 0.05 < facts["layer_output_density"] < 0.6
    for fresh in (False, True):
        samples = opened.take(ROUND.model_copy(update={"fresh": fresh}))
        forward, backward, total = (samples.series[n] for n in ("forward", "backward", "total"))
        assert samples.batch == 4
        assert len(forward) == len(backward) == 2
        assert min(*forward, *backward) > 0
        assert total == [f + b for f, b in zip(forward, backward)]
    assert opened.memory().metrics["peak_memory_bytes"] >= 0


WRONG_SPIKES = """
right = step
def step(state, current, neuron):
    return right(0 * state, current, neuron)
"""

WRONG_GRADIENT = """
right = Spike.backward
Spike.backward = staticmethod(lambda ctx, grad: (right(ctx, grad)[0] * 1.001, None))
"""


def test_wrong_spikes_are_told_when_the_layer_is_opened(session):
    facts = session(WRONG_SPIKES).opened().facts
    assert facts["spikes_differing"] > 0
    assert facts["unlike"] == (
        f"{facts['spikes_differing']} of 1536 spikes of the timed layer are not the neuron's"
    )


def test_a_wrong_gradient_is_told_when_the_layer_is_opened(session):
    facts = session(WRONG_GRADIENT).opened().facts
    assert facts["spikes_differing"] == 0
    assert facts["unlike"] == (
        "the gradient of the timed layer is off by 0.001 of its largest value"
    )


def test_a_layer_without_a_gradient_for_its_weight_is_invalid(session):
    code = """
class Layer(Layer):
    def forward(self, inputs):
        weight, self.weight = self.weight, nn.Parameter(self.weight.detach())
        spikes = super().forward(inputs)
        self.weight = weight
        return spikes
"""
    with pytest.raises(InvalidOutput, match="has no gradient for its weight"):
        session(code)


def test_the_kernel_that_runs_is_told_where_the_layer_names_it(session):
    assert session().opened().facts["implementation"] == ""
    named = "class Layer(Layer):\n    implementation = 'by hand'\n"
    assert session(named).opened().facts["implementation"] == "by hand"


@pytest.mark.parametrize(
    "forward",
    [
        # What it answered last time.
        """
        if not hasattr(self, "known"):
            self.known = super().forward(inputs)
            return self.known
        return self.known.detach().requires_grad_()
""",
        # Goes on from where it was.
        """
        self.before = torch.cat([getattr(self, "before", inputs[:0]), inputs.detach()])[-24:]
        return super().forward(self.before)[-len(inputs):]
""",
    ],
)
def test_a_call_that_depends_on_the_one_before_is_invalid(session, forward):
    code = f"class Layer(Layer):\n    def forward(self, inputs):{forward}"
    opened = session(code)
    with pytest.raises(
        InvalidOutput, match="a timed call of the layer of harness_layer gave other"
    ):
        opened.take(ROUND)


@pytest.mark.parametrize(
    ("change", "to_follow"),
    [({}, 9), ({"neurons": 400}, 0), ({"steps": 4000}, 0), ({"batch": 1000}, 0)],
)
def test_a_size_beyond_the_memory_is_not_tried(monkeypatch, change, to_follow):
    monkeypatch.setattr(layer, "available_memory", lambda _: 200_000)
    refuse_what_does_not_fit(SIZE, 0, CPU)
    with pytest.raises(Unsupported, match=r"GiB, 0.000186 GiB are free: not tried"):
        refuse_what_does_not_fit(SIZE.model_copy(update=change), to_follow, CPU)


def test_a_layer_that_does_not_fit_is_not_built(session, monkeypatch):
    monkeypatch.setattr(layer, "available_memory", lambda _: 0)
    with pytest.raises(Unsupported, match="not tried"):
        session("@hookimpl\ndef harness_layer():\n    raise AssertionError('built')")


@pytest.mark.parametrize("density", [1.0, 0.1])
def test_sums_of_weighted_inputs_are_exact_in_any_order(density):
    size = LayerSize(neurons=256, steps=20, batch=4, density=density)
    weight, inputs, gradient = drawn(size)
    exact = inputs.double() @ weight.double().T
    assert torch.equal(inputs @ weight.T, exact.float())
    order = torch.randperm(256, generator=torch.Generator().manual_seed(1))
    assert torch.equal(inputs[..., order] @ weight[:, order].T, exact.float())
    assert exact.std().item() == pytest.approx(1, rel=0.1)
    share = inputs.count_nonzero().item() / inputs.numel()
    assert share == pytest.approx(density, rel=0.1)
    assert gradient.shape == inputs.shape == (20, 4, 256)
    if density < 1:
        assert set(inputs.unique().tolist()) == {0.0, 1.0}
    else:
        assert inputs.mean().abs() < 0.05


def test_less_than_float32_would_show():
    """The weights have more digits than bfloat16, float16 and TF32 hold."""
    weight, _, _ = drawn(LayerSize(neurons=512, steps=1, batch=1, density=1.0))
    for digits in (8, 11):
        mantissa, exponent = torch.frexp(weight)
        kept = torch.ldexp((mantissa * 2.0**digits).round() / 2.0**digits, exponent)
        assert (kept != weight).float().mean() > 0.5
