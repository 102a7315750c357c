"""Weights that the scores depend on and no recorded layer has: the operations are a lower bound then.

A parameter that nothing records may take no part in inference, as a head that only training uses. Whether
it does is tried: without it, a network that is built again gives other scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.plugin import Evaluation, Layer

Evaluate = Callable[[Mapping[str, Tensor]], Evaluation]
"""The recorded evaluation of a network built again, with these values in the place of its own."""

#: By rounding, a spike more or less changes the scores of few samples; and every score by less than this,
#: as a fraction of the largest.
_FEW, _TOLERANCE = 0.05, 1e-3


@dataclass(frozen=True)
class Unrecorded:
    """Where each parameter is that no recorded layer has: its values, and which of them, by its name.

    `recorded` is how many weights the layers have.
    """

    values: Mapping[str, Tensor]
    places: Mapping[str, Tensor]
    recorded: int

    def without(self, names: Iterable[str]) -> dict[str, Tensor]:
        """The values of these parameters, 0 where no layer has them."""
        return {name: self.values[name].masked_fill(self.places[name], 0) for name in names}


def unrecorded(layers: Sequence[Layer], model: nn.Module) -> Unrecorded:
    """The parameters of two dimensions or more of which no layer has all, where any layer is recorded.

    A parameter with a value for each neuron of a layer is no weight.
    """
    used: dict[tuple[torch.device, int, int], Tensor] = {}
    for layer in layers:
        for tensor in _tensors(layer.connection):
            _places(used, tensor).fill_(True)
    neurons = {
        tuple(values.shape[2:])
        for layer in layers
        for values in (layer.inputs, layer.outputs)
        if values is not None
    }
    tensors = filter(_is_weight, (*model.parameters(), *model.buffers()))
    recorded = sum(int(_places(used, tensor).sum()) for tensor in tensors)
    values, places = {}, {}
    for name, tensor in model.named_parameters(remove_duplicate=False) if layers else ():
        own = _places(used, tensor)
        if _is_weight(tensor) and not own.all() and not _shapes(tensor) & neurons:
            values[name] = tensor.detach().cpu().clone()
            places[name] = ~own
    return Unrecorded(values, places, recorded)


def taking_part(unrecorded: Unrecorded, evaluate: Evaluate) -> dict[str, Any]:
    """The fact `unrecorded`: the `names` of the weights that the scores depend on, their `share` of all.

    Empty where there are none, and where two evaluations with the same seed differ: nothing can be tried.
    """
    if not unrecorded.values:
        return {}
    before = evaluate({})

    def read(names: Iterable[str], computed: bool = False) -> bool:
        """Whether scores change without these; not by a recorded weight that is `computed` from them."""
        try:
            after = evaluate(unrecorded.without(names))
        except Exception:  # whatever fails without them reads them
            return True
        return _differ(before.scores, after.scores) and not (computed and _changed(before, after))

    if _differ(before.scores, evaluate({}).scores) or not read(unrecorded.values):
        return {}
    names = [name for name in unrecorded.values if read([name], computed=True)]
    missing = sum(int(unrecorded.places[name].sum()) for name in names)
    share = missing / max(1, missing + unrecorded.recorded)
    return {"unrecorded": {"names": names, "share": share}} if names else {}


def _changed(before: Evaluation, after: Evaluation) -> bool:
    """Whether a recorded weight has other values."""
    return not all(
        torch.equal(old, new)
        for one, other in zip(before.layers, after.layers, strict=False)
        for old, new in zip(_tensors(one.connection), _tensors(other.connection), strict=False)
    )


def _differ(before: Tensor, after: Tensor) -> bool:
    if before.shape != after.shape:
        return True
    scale = before.abs().max().clamp(min=1e-12)
    same = (before - after).abs() <= _TOLERANCE * scale  # not where one is NaN
    samples = (~same).any(-1).reshape(-1, before.shape[-2]).any(0)
    return int(samples.sum()) > _FEW * len(samples)


def _tensors(connection: Tensor | nn.Module) -> Iterator[Tensor]:
    if isinstance(connection, Tensor):
        yield connection.detach()
        return
    for tensor in (*connection.parameters(), *connection.buffers()):
        yield tensor.detach()


def _is_weight(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and sum(size > 1 for size in tensor.shape) > 1


def _shapes(tensor: Tensor) -> set[tuple[int, ...]]:
    """The shape, and that without each of its leading dimensions of size 1."""
    shape = tuple(tensor.shape)
    return {shape[start:] for start in range(len(shape)) if set(shape[:start]) <= {1}}


def _places(used: dict[tuple[torch.device, int, int], Tensor], tensor: Tensor) -> Tensor:
    """A view of what is known to be used of the memory of `tensor`, of the shape of `tensor`."""
    storage, size = tensor.untyped_storage(), tensor.element_size()
    key = (tensor.device, storage.data_ptr(), size)
    if key not in used:
        used[key] = torch.zeros(storage.nbytes() // size, dtype=torch.bool)
    return used[key].as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
