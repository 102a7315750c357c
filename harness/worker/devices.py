"""The device that a request names, as torch finds it here."""

from __future__ import annotations

import torch

from harness.plugin import Unsupported
from harness.worker import settings


def on_device(name: str, threads: int) -> torch.device:
    """The device `name`, the current one from now on; on the CPU, torch then uses `threads`.

    Everything that belongs to the host is set as for everybody (`harness.worker.settings`). Unsupported
    where there is no such device.
    """
    settings.pin(threads)
    device = torch.device(name)
    if device.type != "cuda":
        return device
    if not torch.cuda.is_available():
        raise Unsupported(f"torch {torch.__version__} finds no CUDA device here")
    device = torch.device("cuda", device.index or 0)  # set_device refuses one without a number
    if device.index >= (count := torch.cuda.device_count()):
        raise Unsupported(f"there is no {name}: torch finds {count}, counted from cuda:0")
    torch.cuda.set_device(device)
    return device


def card(device: torch.device) -> dict[str, str | float]:
    """What torch tells of a GPU: its name, UUID and memory; nothing of the CPU."""
    if device.type != "cuda":
        return {}
    properties = torch.cuda.get_device_properties(device)
    uuid = getattr(properties, "uuid", None)
    return {
        "card": properties.name,
        "card_memory_bytes": float(properties.total_memory),
        **({"card_uuid": f"GPU-{uuid}"} if uuid is not None else {}),
    }
