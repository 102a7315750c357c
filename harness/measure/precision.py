"""The precision of float32 products: set alike for every worker, and read back for the record.

torch 2.9 has two sets of names for it: `allow_tf32` with `set_float32_matmul_precision`, and
`fp32_precision` of each library and operation. Reading one of the older names is an error where the newer
ones have set its parts apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

#: What a setting is where torch cannot say it by one word.
MIXED = "mixed"

#: The operations that have a precision of their own, beside matrix products.
_OPERATIONS = [(library, name) for library in ("cudnn", "mkldnn") for name in ("conv", "rnn")]
_FULL = ("none", "ieee")


def matmul_precision() -> str:
    """How torch computes float32 matrix products: "highest" is as float32."""
    return _read(torch.get_float32_matmul_precision)


def reduced() -> str:
    """The operations other than matrix products that compute float32 in less, as "cudnn.conv (tf32)"."""
    if not hasattr(torch.backends, "fp32_precision"):
        return "cudnn (tf32)" if torch.backends.cudnn.allow_tf32 else "none"
    precisions = {
        f"{library}.{name}": getattr(getattr(torch.backends, library), name).fp32_precision
        for library, name in _OPERATIONS
    }
    words = [
        f"{name} ({precision})" for name, precision in precisions.items() if precision not in _FULL
    ]
    return ", ".join(words) or "none"


def reduce_nothing() -> None:
    """All operations other than matrix products compute float32 as float32: no TF32 in cuDNN."""
    if hasattr(torch.backends, "fp32_precision"):
        owners: list[Any] = [torch.backends, torch.backends.cudnn, torch.backends.mkldnn]
        owners += [getattr(getattr(torch.backends, library), name) for library, name in _OPERATIONS]
        for owner in owners:
            owner.fp32_precision = "none"
    torch.backends.cudnn.allow_tf32 = False


def precision() -> dict[str, str]:
    """What is in force now, by names that a record and a report can show."""
    return {
        "float32_matmul": matmul_precision(),
        "cuda_matmul_tf32": _read(lambda: torch.backends.cuda.matmul.allow_tf32),
        "cudnn_tf32": _read(lambda: torch.backends.cudnn.allow_tf32),
        "cudnn_benchmark": _word(torch.backends.cudnn.benchmark),
        "deterministic": _word(torch.are_deterministic_algorithms_enabled()),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
    }


@contextmanager
def tf32() -> Iterator[None]:
    """TF32 is allowed inside, and afterwards as it was: by the older names, which `pin` leaves readable."""
    product, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        yield
    finally:
        torch.set_float32_matmul_precision(product)
        torch.backends.cudnn.allow_tf32 = cudnn


def _read(setting: Callable[[], str | bool]) -> str:
    try:
        value = setting()
    except RuntimeError:
        return MIXED
    return value if isinstance(value, str) else _word(value)


def _word(on: bool) -> str:
    return "on" if on else "off"
