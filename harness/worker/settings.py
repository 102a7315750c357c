"""Settings of torch that change results or times: the host's, alike for all plugins.

They are set before a plugin is imported, again after its import and whenever it has built a model, and
read back after training and in every round: a library sets some of them when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from harness.errors import InvalidOutput
from harness.measure.precision import matmul_precision, reduce_nothing, reduced

#: How each setting is read, and set.
_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "deterministic algorithms": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "the precision of matrix products": (matmul_precision, torch.set_float32_matmul_precision),
    "reduced precision in cuDNN and oneDNN": (reduced, lambda _none: reduce_nothing()),
    "cuDNN's benchmark mode": (
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
}

#: What was asked for; empty before the first `pin`.
_pinned: dict[str, Any] = {}


def pin(threads: int) -> None:
    """Sets everything as the host wants it: `threads`, and torch's own defaults.

    One is not the default: float32 is computed as float32 in cuDNN too.
    """
    _pinned.update(
        {
            "the number of threads": threads,
            "the default dtype": torch.float32,
            "deterministic algorithms": False,
            "the precision of matrix products": "highest",
            "reduced precision in cuDNN and oneDNN": "none",
            "cuDNN's benchmark mode": False,
        }
    )
    pin_again()


def pin_again() -> None:
    """Sets what a plugin's import or its model may have changed."""
    for name, wanted in _pinned.items():
        read, write = _SETTINGS[name]
        if read() != wanted:
            write(wanted)


def check() -> None:
    """InvalidOutput where a setting is no longer the host's: a hook has changed it."""
    for name, wanted in _pinned.items():
        current = _SETTINGS[name][0]()
        if current != wanted:
            pin_again()  # what comes next is not to suffer from it
            raise InvalidOutput(
                f"a hook changed {name} from {wanted} to {current}: the harness sets it for all plugins"
            )
