"""One layer of a framework as a session: forward and backward passes, memory, and the checks on both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter

import torch
from torch import Tensor

from harness.errors import InvalidOutput
from harness.measure.clock import exempt_from_collection, synchronise, timed
from harness.measure.memory import available_memory, peak_memory
from harness.measure.precision import precision
from harness.plugin import Unsupported
from harness.protocol.events import Measured, Opened
from harness.protocol.requests import OpenLayer
from harness.subjects import LayerSize
from harness.worker.layer_hook import LayerHook
from harness.worker.proof.equality import error
from harness.worker.proof.reference import dynamics
from harness.worker.sessions.base import Session

#: Output neurons of a timed layer that are checked, evenly spread over it.
_CHECKED = 32
#: Arrays [T, B, n] that a framework's graph may hold, for the forecast of memory.
_GRAPH = 12
#: Weights are multiples of 2^-18 and inputs of 1/4: every sum below 16 is exact in float32, and one
#: that was computed in less than float32 is not.
_WEIGHT_UNIT = 2.0**-18
#: A timed layer may differ from the equations in so few of its spikes, where rounding decides, and
#: where none differ, its gradient by so much: float32 sums over all steps and samples.
_DIFFERING, _GRADIENT_ERROR = 1e-4, 1e-4


class LayerSession(Session):
    """A layer of one size with its inputs, ready to be timed.

    Some of its output neurons are checked, spikes and gradients, against the equations, and their
    spikes again after every call. Between calls the samples change places in the batch, so that no
    call has the inputs of the one before it.
    """

    def __init__(self, request: OpenLayer, hook: LayerHook, device: torch.device) -> None:
        super().__init__()
        self._row, self._hook, self._device = request.row, hook, device
        size = request.row.size
        refuse_what_does_not_fit(size, request.to_follow, device)
        self._weight, inputs, gradient = drawn(size)
        rows = torch.linspace(0, size.neurons - 1, min(_CHECKED, size.neurons)).long()
        # The product is exact in float32; in float64 it would take twice the memory of the inputs.
        currents = (inputs @ self._weight[rows].T).double().requires_grad_()
        expected = dynamics(currents, request.row.neuron).spikes
        (slopes,) = torch.autograd.grad(expected, currents, gradient[..., rows].double())
        wanted_gradient = slopes.float().flatten(0, 1).T @ inputs.flatten(0, 1)
        self._rows = rows.to(device)
        self._inputs, self._gradient = inputs.to(device), gradient.to(device)
        start = perf_counter()
        self.renew()
        build_ms = 1000 * (perf_counter() - start)
        seconds, spikes = timed(lambda: hook.call(self._layer, self._inputs), device)
        torch.autograd.backward(spikes, self._gradient)
        self._first = spikes.detach()[..., self._rows]
        weight_gradient = self._layer.get_parameter("weight").grad
        if weight_gradient is None:
            raise InvalidOutput("the layer of harness_layer has no gradient for its weight")
        differing = int((self._first.cpu() != expected).sum())
        off = error(weight_gradient[self._rows], wanted_gradient)
        nonzero = int(inputs.count_nonzero())
        self._opened = Opened(
            first_call_ms=build_ms + 1000 * seconds,
            first_build_ms=build_ms,
            batches=dict.fromkeys(("forward", "backward", "total"), size.batch),
            facts={
                "nonzero": nonzero,
                "layer_input_density": nonzero / size.inputs,
                "layer_output_density": int(spikes.count_nonzero()) / spikes.numel(),
                "spikes_compared": expected.numel(),
                "spikes_differing": differing,
                "weight_gradient_error": off,
                "implementation": str(getattr(self._layer, "implementation", "")),
                "unlike": unlike(differing, expected.numel(), off),
                "precision": precision(),
            },
        )
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the layer stands."""
        return self._opened

    def batch(self, what: str) -> int:
        """The samples of every call."""
        return self._row.size.batch

    def renew(self) -> None:
        """Builds the layer anew and copies its inputs to another place in memory."""
        self._layer = self._hook.build(self._row.neuron, self._weight, self._device)
        self._inputs = self._inputs.clone()

    def memory(self) -> Measured:
        """Peak memory of a forward and a backward pass, beside weights, inputs and their gradient."""

        def call() -> None:
            self._layer.zero_grad(set_to_none=True)
            torch.autograd.backward(self._layer(self._inputs), self._gradient)

        call()
        self._layer.zero_grad(set_to_none=True)
        return Measured(metrics=peak_memory(call, self._device))

    def call(self, what: str) -> Mapping[str, float]:
        """The seconds of a forward and of a backward pass; the spikes are checked afterwards."""
        with self.aside():
            self._inputs.copy_(self._inputs.flip(1))
            self._first.copy_(
                self._first.flip(1)
            )  # where it lies: the layer finds memory as before
            self._layer.zero_grad(set_to_none=True)
            synchronise(self._device)
        forward, spikes = timed(lambda: self._layer(self._inputs), self._device)
        backward, _ = timed(lambda: torch.autograd.backward(spikes, self._gradient), self._device)
        with self.aside():
            same = torch.equal(spikes.detach()[..., self._rows], self._first)
        if not same:
            raise InvalidOutput("a timed call of the layer of harness_layer gave other spikes")
        return {"forward": forward, "backward": backward, "total": forward + backward}


def unlike(differing: int, compared: int, gradient_error: float) -> str:
    """In what the timed layer is not the neuron that it was proved to be; empty if it is."""
    if differing > _DIFFERING * compared:
        return f"{differing} of {compared} spikes of the timed layer are not the neuron's"
    if differing or gradient_error <= _GRADIENT_ERROR:
        return ""
    return f"the gradient of the timed layer is off by {gradient_error:.1g} of its largest value"


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


def refuse_what_does_not_fit(size: LayerSize, to_follow: int, device: torch.device) -> None:
    """Unsupported where this layer, and `to_follow` others, may need more memory than is free."""
    sequence, weight = 4 * size.inputs, 4 * size.neurons**2
    needed = 2 * (1 + to_follow) * (sequence + weight) + _GRAPH * sequence + 2 * weight
    if needed > (free := available_memory(device)):
        needs, there = f"{needed / 2**30:.3g} GiB", f"{free / 2**30:.3g} GiB"
        raise Unsupported(f"may need {needs}, {there} are free: not tried")
