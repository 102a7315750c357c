"""Are the recorded layers the network's own? Operations are counted from them, and from nothing else.

What can be told without knowing a network's neurons: a connection belongs to the model, what a layer
emits arrives at the next, and what does not reach the readout does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import torch
from torch import Tensor, nn

from harness.errors import InvalidOutput
from harness.plugin import Evaluation, Layer

#: An accuracy is above chance where chance gives it in one of 1000 cases (normal approximation).
_ABOVE_CHANCE = 3.09


def connections(layers: Sequence[Layer], model: nn.Module) -> None:
    """Every connection is a module, a parameter or a buffer of `model`, or a view of one."""
    own: set[int] | None = None
    for layer in layers:
        if isinstance(layer.connection, nn.Module):
            fine = any(layer.connection is module for module in model.modules())
        else:
            if own is None:
                every = chain(model.parameters(), model.buffers())
                own = {_memory(tensor) for tensor in every if tensor.numel()}
            fine = _memory(layer.connection) in own
        if not fine:
            raise InvalidOutput(
                f"harness_evaluate: layer {layer.name!r}: its connection is none of the model's modules, "
                "parameters and buffers, nor a view of one; a weight that is computed belongs into a buffer"
            )


def feeding(evaluation: Evaluation, spikes: Tensor) -> None:
    """What feeds a layer arrives there: the encoded `spikes` [T, B, ...], or what the layer before emits.

    Values that are not 0 are counted for each step and sample, where sizes are equal: pooling and
    concatenation change the size, and a recurrent or delayed connection comes some steps later.
    """
    # A model may make spikes of currents itself.
    before: Tensor | None = spikes if _ternary(spikes) else None
    sources = [spikes, *(layer.outputs for layer in evaluation.layers if layer.outputs is not None)]
    for layer in evaluation.layers:
        inputs = layer.inputs
        _all_steps(layer, spikes)
        if before is not None and _size(before) == _size(inputs):
            alike = [source for source in sources if _size(source) == _size(inputs)]
            if not any(_arrives(source, inputs, evaluation.delay) for source in alike):
                raise InvalidOutput(
                    f"harness_evaluate: layer {layer.name!r}: its inputs have fewer values other than 0 "
                    "than what feeds it, the layer before or the encoded input, or are spikes where that "
                    "is not"
                )
        if layer.outputs is not None:
            before = layer.outputs


def ends(evaluation: Evaluation, spikes: Tensor) -> list[Layer]:
    """The layers that scores may come from: those whose outputs no other layer receives, and the last.

    A layer that emits nothing is one: a readout, and a recurrent connection, which cannot be told from it.
    """
    layers = evaluation.layers
    received = {
        source
        for place in range(len(layers))
        for source in _received(place, layers, spikes, evaluation.delay)
    }
    return [
        layer
        for place, layer in enumerate(layers)
        if place not in received or place == len(layers) - 1
    ]


def deciding(evaluation: Evaluation) -> None:
    """Samples of which nothing arrives at any of the layers have equal scores; not for random networks.

    The layers are the `ends` of those that were recorded.
    """
    if not evaluation.layers:
        return
    arriving = torch.stack([_active(layer.inputs).sum(0) for layer in evaluation.layers]).sum(0)
    silent = _last(evaluation.scores)[arriving == 0]
    if len(silent) > 1 and not torch.allclose(silent, silent[:1].expand_as(silent), 1e-4, 1e-5):
        names = " and ".join(repr(layer.name) for layer in evaluation.layers)
        receives = "receives" if len(evaluation.layers) == 1 else "receive"
        raise InvalidOutput(
            f"harness_evaluate: layer {names} {receives} nothing for {len(silent)} samples of a batch, and "
            "their scores differ: other layers are recorded than computed"
        )


def operations(metrics: Mapping[str, float], right: int, targets: Tensor) -> None:
    """No network without an operation is right more often than chance: `right` of `targets` [N] are.

    Chance is always the most frequent class.
    """
    samples = len(targets)
    if metrics.get("synops_effective") != 0 or not samples:
        return
    chance = int(targets.bincount().max()) / samples
    most = samples * chance + _ABOVE_CHANCE * math.sqrt(samples * chance * (1 - chance))
    if right > most:
        raise InvalidOutput(
            f"harness_evaluate: the recorded layers have no synaptic operation, and {right / samples:.1%} "
            f"of the validation samples are right, where chance is {chance:.1%}"
        )


def _all_steps(layer: Layer, spikes: Tensor) -> None:
    """A layer that receives the encoded input is recorded over all of its steps.

    One that receives the last step of another layer may be a readout of just that.
    """
    steps, every = len(layer.inputs), len(spikes)
    parts = (spikes[:steps], spikes[-steps:])
    if steps < every and any(
        _size(p) == _size(layer.inputs) and _same(p, layer.inputs) for p in parts
    ):
        raise InvalidOutput(
            f"harness_evaluate: layer {layer.name!r} is recorded over {steps} of the {every} steps of the "
            "encoded input: record all (an expanded view where it is constant), or encode fewer"
        )


def _received(place: int, layers: Sequence[Layer], spikes: Tensor, delay: int) -> set[int]:
    """The places of the other layers whose outputs the layer at `place` may receive."""
    inputs = layers[place].inputs
    alike = {
        other: layer.outputs
        for other, layer in enumerate(layers)
        if other != place and layer.outputs is not None and _size(layer.outputs) == _size(inputs)
    }
    if same := {other for other, outputs in alike.items() if _same(outputs, inputs)}:
        return same
    encoded = _size(spikes) == _size(inputs)
    if encoded and _same(spikes, inputs):
        return set()
    if arriving := {n for n, outputs in alike.items() if _arrives(outputs, inputs, delay)}:
        return arriving
    if encoded and _arrives(spikes, inputs, delay):
        return set()
    # Pooling and the like change the size: then it is what emitted just before.
    emitting = [other for other in range(place) if layers[other].outputs is not None]
    return set(emitting[-1:])


def _same(source: Tensor, inputs: Tensor) -> bool:
    if source.data_ptr() == inputs.data_ptr():
        return True
    return torch.equal(source.flatten(1), inputs.flatten(1))


def _arrives(source: Tensor, inputs: Tensor, delay: int) -> bool:
    if _ternary(inputs) and not _ternary(source):
        return False
    sent, received = _active(source), _active(inputs)
    steps = len(sent)
    return any(
        bool((received[late:] >= sent[: steps - late]).all())
        for late in range(min(max(1, delay), steps - 1) + 1)
    )


def _active(values: Tensor) -> Tensor:
    """How many of the values [T, B, ...] are not 0, for each step and sample: [T, B]."""
    constant = len(values) > 1 and values.stride(0) == 0
    counts = (values[:1] if constant else values).flatten(2).count_nonzero(2)
    return counts.expand(len(values), -1) if constant else counts


def _ternary(values: Tensor) -> bool:
    return bool(((values == 0) | (values.abs() == 1)).all())


def _size(values: Tensor) -> tuple[int, int]:
    return len(values), values.numel()


def _last(scores: Tensor) -> Tensor:
    return scores[-1] if scores.ndim == 3 else scores


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
