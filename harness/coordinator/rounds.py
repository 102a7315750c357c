"""Who is measured when: rounds in a random, balanced order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def balanced_orders(members: Sequence[T], rounds: int, seed: int = 0) -> Iterator[list[T]]:
    """An order of `members` for each round: a random one, then the same turned around, and so on.

    Over two rounds every member stands as early as late, so that a drift within rounds falls on
    all alike (a fixed order would favour some). The orders are the same in every run of a plan.
    """
    shuffler = random.Random(seed)
    order: list[T] = []
    for number in range(rounds):
        if number % 2:
            order = order[::-1]
        else:
            order = list(members)
            shuffler.shuffle(order)
        yield order
