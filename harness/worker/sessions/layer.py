"""One layer of a framework: called through its hook, checked, and measured round by round."""

from __future__ import annotations

import math
from time import perf_counter

import pluggy
import torch
from torch import Tensor, nn

from harness.plugin import hookspecs
from harness.plugin import Neuron, Unsupported
from harness.subjects import PluginLocation
from harness.errors import InvalidOutput
from harness.measure.clock import exempt_from_collection, no_collection, timed
from harness.measure.memory import available_memory, peak_memory
from harness.protocol import (
    LayerOpened,
    LayerSamples,
    LayerSize,
    Measured,
    OpenLayer,
    TakeLayerRound,
)
from harness.worker.hooks import load_module
from harness.worker.proof.reference import dynamics

#: Output neurons of a timed layer that are checked, evenly spread over it.
_CHECKED = 32
#: A call that takes longer than this needs no other before it to be warm.
_WARM_SECONDS = 0.5
#: Arrays [T, B, n] that a framework's graph may hold, for the forecast of memory.
_GRAPH = 12
#: Weights are multiples of 2^-18 and inputs of 1/4: every sum below 16 is exact in float32, and one
#: that was computed in less than float32 is not.
_WEIGHT_UNIT = 2.0**-18


class LayerHook:
    """The hook `harness_layer` of one plugin; `current` is what is running, for a failure's record."""

    def __init__(self) -> None:
        self.current = ""
        self.loaded = False

    def load(self, source: PluginLocation) -> None:
        """Imports the plugin."""
        self.current = "import"
        manager = pluggy.PluginManager("harness")
        manager.add_hookspecs(hookspecs)
        manager.register(load_module(source), name=source.name)
        manager.check_pending()
        self._hook = manager.hook.harness_layer
        if not self._hook.get_hookimpls():
            raise InvalidOutput(f"{source.name} does not implement harness_layer")
        self.current, self.loaded = "", True

    def build(
        self, neuron: Neuron, n_in: int, n_out: int, device: torch.device, weight: Tensor
    ) -> nn.Module:
        """The layer with `weight` [n_out, n_in] in it."""
        self.current = "harness_layer"
        layer = self._hook(neuron=neuron, n_in=n_in, n_out=n_out, device=device)
        if not isinstance(layer, nn.Module):
            raise InvalidOutput(f"harness_layer returned {type(layer).__name__}, not a module")
        found = getattr(layer, "weight", None)
        if not isinstance(found, nn.Parameter) or found.shape != (n_out, n_in):
            raise InvalidOutput(
                f"harness_layer: the module's weight is no parameter of shape ({n_out}, {n_in})"
            )
        if found.device.type != device.type or found.dtype != torch.float32:
            raise InvalidOutput(
                f"harness_layer: the weight is {found.dtype} on {found.device}, not float32 on {device}"
            )
        with torch.no_grad():
            found.copy_(weight)
        return layer

    def call(self, layer: nn.Module, inputs: Tensor) -> Tensor:
        """The spikes [T, B, n_out] of `inputs` [T, B, n_in], which must be 0 or 1."""
        self.current = "harness_layer"
        spikes = layer(inputs)
        wanted = (*inputs.shape[:2], layer.get_parameter("weight").shape[0])
        if not isinstance(spikes, Tensor) or spikes.shape != wanted:
            told = tuple(spikes.shape) if isinstance(spikes, Tensor) else type(spikes).__name__
            raise InvalidOutput(f"the layer of harness_layer returned {told}, not {wanted}")
        if not ((spikes == 0) | (spikes == 1)).all():
            raise InvalidOutput("the layer of harness_layer returned values other than 0 and 1")
        if not spikes.requires_grad:
            raise InvalidOutput("the spikes of the layer of harness_layer have no gradient")
        self.current = ""
        return spikes


class LayerSession:
    """A layer of one size with its inputs, ready to be timed.

    Some of its output neurons are checked, spikes and gradients, against the equations, and their
    spikes again after every round. Between calls the samples change places in the batch, so that no
    call has the inputs of the one before it.
    """

    def __init__(self, request: OpenLayer, hook: LayerHook, device: torch.device) -> None:
        self._request, self._hook, self._device = request, hook, device
        size, neuron = request.size, request.neuron
        _refuse_what_does_not_fit(size, request.to_follow, device)
        weight, inputs, gradient = drawn(size)
        self._nonzero = int(inputs.count_nonzero())
        rows = torch.linspace(0, size.neurons - 1, min(_CHECKED, size.neurons)).long()
        self._rows = rows.to(device)
        # The product is exact in float32; in float64 it would take the inputs twice over.
        currents = (inputs @ weight[rows].T).double().requires_grad_()
        expected = dynamics(currents, neuron)
        torch.autograd.backward(expected.spikes, gradient[..., rows].double())
        assert currents.grad is not None
        self._expected = expected.spikes.detach().float().to(device)
        gradient_of_rows = currents.grad.float().flatten(0, 1).T @ inputs.flatten(0, 1)

        self._weight = weight
        self._inputs, self._gradient = inputs.to(device), gradient.to(device)
        self._renew()
        self._flipped = False
        seconds, spikes = timed(lambda: hook.call(self._layer, self._inputs), device)
        self._first_call_ms = 1000 * seconds
        self._output_density = float(spikes.detach().mean())
        torch.autograd.backward(spikes, self._gradient)
        self._first = self._of_rows(spikes)
        self._differing = int((self._first != self._expected).sum())
        weight_gradient = self._layer.get_parameter("weight").grad
        if weight_gradient is None:
            raise InvalidOutput("the layer of harness_layer has no gradient for its weight")
        found = weight_gradient[self._rows].cpu()
        largest = float(gradient_of_rows.abs().max())
        self._gradient_error = float((found - gradient_of_rows).abs().max()) / (largest or 1.0)
        self._last_seconds = 0.0
        exempt_from_collection()

    def opened(self) -> LayerOpened:
        """What the coordinator is told when the layer stands."""
        return LayerOpened(
            first_call_ms=self._first_call_ms,
            nonzero=self._nonzero,
            output_density=self._output_density,
            spikes_compared=self._expected.numel(),
            spikes_differing=self._differing,
            gradient_error=self._gradient_error,
            implementation=str(getattr(self._layer, "implementation", "")),
        )

    def take(self, request: TakeLayerRound) -> LayerSamples:
        """One round: calls for `request.seconds`, at least `request.calls`, warmed up before."""
        self._renew()
        if self._last_seconds < _WARM_SECONDS:
            self._once()
        forward: list[float] = []
        backward: list[float] = []
        start = perf_counter()
        while len(forward) < request.calls or perf_counter() - start < request.seconds:
            there, back = self._once()
            forward.append(there)
            backward.append(back)
        return LayerSamples(forward=forward, backward=backward)

    def memory(self) -> Measured:
        """Peak memory of a forward and a backward pass, beside weights, inputs and their gradient."""

        def call() -> None:
            self._layer.zero_grad(set_to_none=True)
            torch.autograd.backward(self._layer(self._inputs), self._gradient)

        call()
        self._layer.zero_grad(set_to_none=True)
        return Measured(metrics=peak_memory(call, self._device))

    def _renew(self) -> None:
        """The layer and its inputs once more, at another place in memory: speed depends on it."""
        size, neuron = self._request.size, self._request.neuron
        self._layer = self._hook.build(
            neuron, size.neurons, size.neurons, self._device, self._weight
        )
        self._inputs = self._inputs.clone()

    def _once(self) -> tuple[float, float]:
        """The seconds of a forward and of a backward pass; the spikes are checked afterwards."""
        self._inputs.copy_(self._inputs.flip(1))
        self._flipped = not self._flipped
        self._layer.zero_grad(set_to_none=True)
        with no_collection():
            forward, spikes = timed(lambda: self._layer(self._inputs), self._device)
            backward, _ = timed(
                lambda: torch.autograd.backward(spikes, self._gradient), self._device
            )
        found = self._of_rows(spikes)
        if not torch.equal(found.flip(1) if self._flipped else found, self._first):
            raise InvalidOutput("a timed call of the layer of harness_layer gave other spikes")
        self._last_seconds = forward + backward
        return forward, backward

    def _of_rows(self, spikes: Tensor) -> Tensor:
        """The spikes [T, B, checked] of the output neurons that are checked."""
        return spikes.detach().index_select(2, self._rows)


def drawn(size: LayerSize) -> tuple[Tensor, Tensor, Tensor]:
    """Weight [n, n], inputs [T, B, n] and the gradient at the spikes [T, B, n], on the CPU.

    Inputs are spikes, or with a density of 1 currents of either sign, none of them 0. The weights are
    scaled so that a neuron's current has variance 1 in every case, hence similar activity.
    """
    draws = torch.Generator().manual_seed(0)
    shape = (size.steps, size.batch, size.neurons)
    inputs = torch.rand(shape, generator=draws)
    if size.density < 1:
        inputs = (inputs < size.density).float()
        power = size.density
    else:
        inputs = inputs.mul_(8).floor_().sub_(4)
        inputs = torch.where(inputs >= 0, inputs + 1, inputs).div_(4)
        power = 2 * (1 + 4 + 9 + 16) / 16 / 8
    weight = torch.randn(size.neurons, size.neurons, generator=draws)
    weight /= math.sqrt(size.neurons * power)
    weight = weight.div_(_WEIGHT_UNIT).round_().mul_(_WEIGHT_UNIT)
    return weight, inputs, torch.randn(shape, generator=draws)


def _refuse_what_does_not_fit(size: LayerSize, to_follow: int, device: torch.device) -> None:
    sequence = 4 * size.steps * size.batch * size.neurons
    weight = 4 * size.neurons**2
    held = 2 * sequence + 2 * weight
    needed = (1 + to_follow) * held + _GRAPH * sequence + 2 * weight
    free = available_memory(device)
    if needed > free:
        raise Unsupported(
            f"may need {needed / 2**30:.3g} GiB, {free / 2**30:.3g} GiB are free: not tried"
        )
