"""The sources of random numbers, set by the host before whatever may draw from them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn


def seed_everything(seed: int) -> None:
    """Python's, numpy's and torch's own generators; hooks' other draws come from `generator`."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def other_seed(seed: int) -> int:
    """A seed other than `seed`, by which a network is built that a state is to make the same."""
    return seed ^ 0x5EED


def seed_with_own(seed: int, model: nn.Module) -> None:
    """`seed_everything`, and the generators that the modules of `model` hold as attributes."""
    seed_everything(seed)
    for own in _generators(model):
        if isinstance(own, torch.Generator):
            own.manual_seed(seed)
        elif isinstance(own, np.random.Generator):
            own.bit_generator.state = type(own.bit_generator)(seed).state
        else:
            own.seed(seed)


def generator(seed: int, device: torch.device) -> torch.Generator:
    """The source of an encoder's random draws."""
    return torch.Generator(device=device).manual_seed(seed)


def _generators(
    model: nn.Module,
) -> Iterator[torch.Generator | np.random.Generator | random.Random]:
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, (torch.Generator, np.random.Generator, random.Random)):
                yield value
