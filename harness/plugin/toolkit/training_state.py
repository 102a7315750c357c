"""What a training keeps outside of the model's parameters and buffers, so that a killed trial can go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from harness.plugin import Stateful, hookimpl


class Attributes:
    """Numbers that `owner` keeps as plain attributes `names`, such as a count of the samples seen."""

    def __init__(self, owner: object, *names: str) -> None:
        self._owner, self._names = owner, names

    def state_dict(self) -> dict[str, Any]:
        """Their values, by their names."""
        return {name: getattr(self._owner, name) for name in self._names}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Sets them."""
        for name in self._names:
            setattr(self._owner, name, state_dict[name])


class _HasOptimizer(Protocol):
    optimizer: Stateful


@hookimpl
def harness_training_state(model: _HasOptimizer) -> dict[str, Stateful]:
    """The optimizer, of a model that keeps it as `model.optimizer` and nothing else in other attributes."""
    return {"optimizer": model.optimizer}
