"""Networks that another framework computes: their values, mirrored into torch parameters.

The host saves, reloads and counts a model by its `state_dict()` and its parameters. A network of JAX or
numpy keeps its values in arrays of its own; `Mirrored` holds both, and keeps them equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Mirrored(nn.Module):
    """A model whose `values` are another framework's arrays, with a torch parameter for each.

    `values` maps names without dots to arrays of float32, whose shapes stay as they are. Assigning
    `values` writes the parameters; loading a `state_dict()` makes the arrays anew, by `array`, which
    takes a numpy array. ValueError where the names or shapes are other ones than before.
    """

    def __init__(self, values: Mapping[str, Any], array: Callable[[np.ndarray], Any]) -> None:
        super().__init__()
        self._array = array
        self._values = dict(values)
        for name, value in values.items():
            tensor = torch.from_numpy(np.array(value, dtype=np.float32))
            self.register_parameter(name, nn.Parameter(tensor, requires_grad=False))
        self.register_load_state_dict_post_hook(_read_back)  # type: ignore[no-untyped-call]

    @property
    def values(self) -> dict[str, Any]:
        """The arrays, by their names."""
        return dict(self._values)

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        shapes = {name: tuple(np.shape(value)) for name, value in values.items()}
        own = {name: tuple(parameter.shape) for name, parameter in self.named_parameters()}
        if shapes != own:
            raise ValueError(f"the values have the shapes {shapes}, the model {own}")
        self._values = dict(values)
        for name, parameter in self.named_parameters():
            parameter.data.copy_(tensor_of(values[name]))

    def read_back(self) -> None:
        """Makes the arrays from the parameters, as after loading."""
        self._values = {
            name: self._array(parameter.numpy(force=True).copy())
            for name, parameter in self.named_parameters()
        }


def _read_back(model: nn.Module, _keys: object) -> None:
    assert isinstance(model, Mirrored)
    model.read_back()


def tensor_of(value: Any) -> Tensor:
    """An array of any framework that numpy can read as a tensor of its own memory, float32."""
    return torch.from_numpy(np.array(value, dtype=np.float32))
