"""Who is measured when: memory, rounds in a random, balanced order, checks, sweeps."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

from harness.coordinator.member import Member, Procedure
from harness.protocol import Request, TakeMemory, TakeRound, TakeSweep, TakeValidity
from harness.results.comparison import PROCESSES

#: A sweep of batch sizes takes about this long, of inference and training together.
_SWEEP_SECONDS = 2.0

T = TypeVar("T")

Step = tuple[Member, int, Request, str]
"""Which process of whom is asked what, and the words for it."""


def steps_of(members: Sequence[Member], procedure: Procedure) -> list[Step]:
    """Who is measured when: memory, the rounds, and the checks on what was timed."""
    steps: list[Step] = [(m, 0, TakeMemory(), "memory") for m in members if m.subject.memory]
    whats = members[0].subject.whats if members else ()
    orders = balanced_orders(members, procedure.rounds * len(whats))
    for number in range(procedure.rounds):
        process = number % PROCESSES
        for what in whats:
            request = TakeRound(
                what=what,
                seconds=procedure.min_time,
                calls=procedure.calls,
                fresh=what == whats[0],
            )
            steps += [
                (member, process, request, what)
                for member in next(orders)
                if what in member.subject.whats
            ]
    for process in range(min(PROCESSES, procedure.rounds)):
        checks = TakeValidity(predictions_only=process > 0)
        steps += [(m, process, checks, "checks") for m in members if m.subject.validity]
    # Last: the sweep trains on with whatever batch.
    sweep = TakeSweep(seconds=_SWEEP_SECONDS)
    return steps + [(m, 0, sweep, "batch sizes") for m in members if m.subject.sweep]


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
