"""A layer behind its hook, and as it is measured."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Neuron, Unsupported
from harness.subjects import PluginLocation
from harness.errors import InvalidOutput
from harness.protocol import LayerSize, OpenLayer, TakeLayerRound
from harness.worker import layers
from harness.worker.sessions.layer import LayerHook, LayerSession, drawn

CPU = torch.device("cpu")
SIZE = LayerSize(neurons=40, steps=12, batch=4, density=0.3)
ROUND = TakeLayerRound(seconds=0.0, calls=2)


@pytest.fixture
def hook(plugin_file):
    torch.set_num_threads(1)

    def load(code="", base="literal_layer"):
        found = LayerHook()
        found.load(PluginLocation("mine", file=str(plugin_file("mine", code, base=base))))
        return found

    return load


@pytest.fixture
def session(hook):
    def open_(code="", **changes):
        request = OpenLayer(
            plugin=PluginLocation("mine"), neuron=Neuron(0.9), size=SIZE, device="cpu", threads=1
        )
        return LayerSession(request.model_copy(update=changes), hook(code), CPU)

    return open_


# --- what a layer may be --------------------------------------------------------------------------

REPLACED = """
@hookimpl
def harness_layer(neuron, n_in, n_out, device):
    layer = Layer(neuron, n_in, n_out, device)
    {}
    return layer
"""


def test_a_plugin_without_the_hook_is_told(hook):
    with pytest.raises(InvalidOutput, match="mine does not implement harness_layer"):
        hook("x = 1", base="")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("return 5", "returned int, not a module"),
        ("del layer.weight", r"is no parameter of shape \(3, 2\)"),
        ("layer.weight = nn.Parameter(torch.zeros(2, 3))", r"is no parameter of shape \(3, 2\)"),
        ("layer.double()", "the weight is torch.float64 on cpu, not float32 on cpu"),
    ],
)
def test_what_is_no_layer_is_invalid(hook, code, told):
    with pytest.raises(InvalidOutput, match=told):
        hook(REPLACED.format(code)).build(Neuron(0.9), 2, 3, CPU, torch.zeros(3, 2))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("inputs", r"returned \(5, 4, 2\), not \(5, 4, 3\)"),
        ("None", r"returned NoneType, not \(5, 4, 3\)"),
        ("inputs @ self.weight.T + 0.5", "values other than 0 and 1"),
        ("(inputs @ self.weight.T).detach()", "have no gradient"),
    ],
)
def test_what_are_no_spikes_is_invalid(hook, answer, told):
    code = f"class Layer(Layer):\n    def forward(self, inputs):\n        return {answer}\n"
    found = hook(code)
    layer = found.build(Neuron(0.9), 2, 3, CPU, torch.zeros(3, 2))
    with pytest.raises(InvalidOutput, match=told):
        found.call(layer, torch.zeros(5, 4, 2))


# --- measuring one --------------------------------------------------------------------------------


@pytest.mark.parametrize("density", [1.0, 0.3])
def test_the_layer_is_checked_when_it_is_opened_and_timed_by_rounds(session, density):
    opened = session(size=SIZE.model_copy(update={"density": density}))
    told = opened.opened()
    assert told.spikes_compared == 12 * 4 * 32
    assert told.spikes_differing == 0
    assert told.gradient_error < 1e-5
    assert told.first_call_ms > 0
    assert told.nonzero == (12 * 4 * 40 if density == 1 else pytest.approx(576, rel=0.2))
    assert 0.05 < told.output_density < 0.6
    for _ in range(2):
        samples = opened.take(ROUND)
        assert len(samples.forward) == len(samples.backward) == 2
        assert min(*samples.forward, *samples.backward) > 0
    assert opened.memory().metrics["peak_memory_bytes"] >= 0


def test_a_wrong_layer_is_told_when_it_is_opened(session):
    wrong = """
right = step
def step(state, current, neuron):
    return right(0 * state, current, neuron)
"""
    assert session(wrong).opened().spikes_differing > 0


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


def test_a_size_beyond_the_memory_is_not_tried(session, monkeypatch):
    monkeypatch.setattr(layers, "available_memory", lambda _: 200_000)
    session()
    for changes in (
        {"to_follow": 9},
        {"size": SIZE.model_copy(update={"neurons": 400})},
        {"size": SIZE.model_copy(update={"steps": 4000})},
    ):
        with pytest.raises(Unsupported, match=r"GiB, 0.000186 GiB are free: not tried"):
            session(**changes)


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
