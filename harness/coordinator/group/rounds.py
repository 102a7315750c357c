"""Who is measured when: memory, rounds in a random, balanced order, checks, sweeps."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from harness.coordinator.group.member import Member, Procedure
from harness.protocol.requests import (
    Request,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
    WarmUp,
)
from harness.results.comparison import PROCESSES

#: A sweep of batch sizes takes about this long, of inference and training together.
_SWEEP_SECONDS = 2.0

T = TypeVar("T")

Step = tuple[Member, int, Request, str]
"""Which process of whom is asked what, and the words for it."""


class Phase(NamedTuple):
    """Steps that follow each other. What is not `timed` is asked of several members at once.

    Such a phase has one request at most for each process.
    """

    steps: list[Step]
    timed: bool = False


def phases(members: Sequence[Member], procedure: Procedure) -> list[Phase]:
    """Who is measured when: memory, warm-up, rounds, checks on what was timed, sweeps of batches."""
    memory: list[Step] = [(m, 0, TakeMemory(), "memory") for m in members if m.subject.memory]
    warming: list[Step] = []
    checks: list[list[Step]] = []
    for process in range(min(PROCESSES, procedure.rounds)):
        warming += [
            (m, process, WarmUp(whats=list(m.subject.whats)), "warming up") for m in members
        ]
        validity = TakeValidity(predictions_only=process > 0)
        checks.append([(m, process, validity, "checks") for m in members if m.subject.validity])
    # Last: the sweep trains on with whatever batch.
    sweep = TakeSweep(seconds=_SWEEP_SECONDS)
    sweeps: list[Step] = [(m, 0, sweep, "batch sizes") for m in members if m.subject.sweep]
    return [
        Phase(memory),
        Phase(warming),
        Phase(_rounds(members, procedure), timed=True),
        # The first process's compare the times of calls, those of the others predictions alone.
        *(Phase(steps, timed=process == 0) for process, steps in enumerate(checks)),
        Phase(sweeps, timed=True),
    ]


def _rounds(members: Sequence[Member], procedure: Procedure) -> list[Step]:
    steps: list[Step] = []
    whats = members[0].subject.whats if members else ()
    orders = {what: balanced_orders(members, procedure.rounds, what) for what in whats}
    for number in range(procedure.rounds):
        for what in whats:
            request = TakeRound(
                what=what,
                seconds=procedure.min_time,
                calls=procedure.calls,
                fresh=what == whats[0],
            )
            steps += [
                (member, number % PROCESSES, request, what)
                for member in next(orders[what])
                if what in member.subject.whats
            ]
    return steps


def balanced_orders(members: Sequence[T], rounds: int, seed: str = "") -> Iterator[list[T]]:
    """An order of `members` for each round: a random one, turned around for the next process, and so on.

    Over two rounds every member stands as early as late, over four in each of its two processes too, so
    that a drift within rounds falls on all alike (a fixed order would favour some). The orders are the
    same in every run of a plan.
    """
    shuffler = random.Random(seed)
    order: list[T] = []
    for number in range(rounds):
        if number % (2 * PROCESSES) == 0:
            order = shuffler.sample(members, len(members))
        elif number % PROCESSES:
            order = order[::-1]
        yield order
