"""The device that a request names, as torch finds it here."""

from __future__ import annotations

import torch

from harness.plugin import Unsupported
from harness.worker import settings


def on_device(name: str, threads: int) -> torch.device:
    """The device `name`; on the CPU, torch then uses `threads`. Unsupported where there is none."""
    settings.pin(threads)
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise Unsupported(f"torch {torch.__version__} finds no CUDA device here")
    return device
