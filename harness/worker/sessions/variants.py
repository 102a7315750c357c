"""How a trained network is evaluated: eager, by torch.compile, or by CUDA graphs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from harness.plugin import Unsupported

Evaluate = Callable[[Tensor], Tensor]
"""The scores of spikes [T, B, ...]."""

_MODES = {"compile": None, "graphs": "reduce-overhead"}


class Compiled:
    """`evaluate` by torch.compile, and the seconds that compiling took.

    `sizes` are the batches that it was compiled for. Unsupported where torch.compile cannot be used, or
    finds nothing.
    """

    def __init__(self, evaluate: Evaluate, variant: str, device: torch.device) -> None:
        if variant == "graphs" and device.type != "cuda":
            raise Unsupported("CUDA graphs need a CUDA device")
        start_afresh()
        self._call = torch.compile(evaluate, mode=_MODES[variant])
        self.seconds = 0.0
        self.sizes: set[int] = set()

    def __call__(self, spikes: Tensor) -> Tensor:
        """The scores."""
        with _refused():
            scores: Tensor = self._call(spikes)
        return scores

    def count(self, size: int, call: Callable[[], float]) -> float:
        """The seconds of the first `call` on `size` samples: what a second one saves was compiling."""
        with no_cache():
            first, second = call(), call()
        self.sizes.add(size)
        self.seconds += max(0.0, first - second)
        return first

    def check(self) -> None:
        """Unsupported where no part of the network was compiled."""
        from torch._dynamo.utils import counters

        if not counters["stats"]["unique_graphs"]:
            raise Unsupported("torch.compile finds nothing in harness_evaluate to compile")


def start_afresh() -> None:
    """Compiles in this process alone: torch's pool of compilers would have a process a core, which stay."""
    import torch._dynamo
    import torch._inductor.config

    torch._inductor.config.compile_threads = 1
    torch._dynamo.reset()


@contextmanager
def no_cache() -> Iterator[None]:
    """What an earlier process has compiled would make the time of compiling a matter of luck."""
    from torch._inductor.utils import fresh_inductor_cache

    with (
        tempfile.TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as folder,
        fresh_inductor_cache(dir=folder),
    ):
        yield


def reallocate(model: nn.Module) -> None:
    """Copies parameters and buffers to other places in memory: what is compiled stays valid."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()


@contextmanager
def _refused() -> Iterator[None]:
    """An error of torch.compile itself, as that of a missing C++ compiler, is no fault of the plugin's."""
    try:
        yield
    except Exception as error:
        home = type(error).__module__
        if not home.startswith(("torch._dynamo", "torch._inductor")):
            raise
        message = str(error).strip().partition("\n")[0]
        raise Unsupported(f"torch.compile: {type(error).__name__}: {message}") from error
