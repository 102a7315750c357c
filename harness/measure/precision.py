"""The precision of float32 products: set alike for every worker, and read back for the record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def set_precision() -> None:
    """float32 is computed as float32: no TF32, neither in products nor in cuDNN; no search for kernels."""
    _set_tf32(False)
    torch.backends.cudnn.benchmark = False


def precision() -> dict[str, str]:
    """What is in force now, by names that a record and a report can show."""
    return {
        "float32_matmul": torch.get_float32_matmul_precision(),
        "cuda_matmul_tf32": _word(torch.backends.cuda.matmul.allow_tf32),
        "cudnn_tf32": _word(torch.backends.cudnn.allow_tf32),
        "cudnn_benchmark": _word(torch.backends.cudnn.benchmark),
        "deterministic": _word(torch.are_deterministic_algorithms_enabled()),
        "dtype": str(torch.get_default_dtype()).removeprefix("torch."),
    }


@contextmanager
def kept_precision() -> Iterator[None]:
    """What is changed inside is afterwards as it was."""
    product, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.benchmark
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(product)
        cudnn.allow_tf32, cudnn.benchmark = before


@contextmanager
def tf32() -> Iterator[None]:
    """TF32 is allowed inside."""
    with kept_precision():
        _set_tf32(True)
        yield


def _set_tf32(allowed: bool) -> None:
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


def _word(on: bool) -> str:
    return "on" if on else "off"
