"""The coordinator's own clock: can a round's calls have taken what the worker says they took?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import perf_counter

from harness.protocol.events import TIMED, TIMING, Progress, Samples

#: Calls may seem to last longer than the round by so much: two processes read the clock.
_SLACK_SECONDS = 0.001
#: A round is short where less than this share of its time is accounted for, beside so many seconds
#: by which another program may have delayed a message.
_SHARE, _DELAY_SECONDS = 0.4, 0.01
#: An honest round is short by chance at most this often.
_BY_CHANCE, _FALSE_ALARM = 0.1, 2e-6


class RoundClock:
    """Follows one round: `asked` to `answered`, and within, the stages of the timed calls."""

    def __init__(self) -> None:
        self._asked = perf_counter()
        self._stages: dict[str, float] = {}
        self.round = 0.0

    def progress(self, progress: Progress) -> None:
        """Notes when a stage was told."""
        self._stages[progress.stage] = perf_counter()

    def stop(self) -> None:
        """The answer is here."""
        self.round = perf_counter() - self._asked

    @property
    def calls(self) -> float | None:
        """The seconds of the timed calls alone; None where the worker did not tell of them."""
        if TIMING in self._stages and TIMED in self._stages:
            return self._stages[TIMED] - self._stages[TIMING]
        return None


@dataclass
class WallTime:
    """The rounds of one subject beside the coordinator's clock: how many of each kind were short."""

    _rounds: dict[str, list[float]] = field(default_factory=dict)
    _short: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, samples: Samples, clock: RoundClock) -> str:
        """Why the times of a round cannot be; empty where they can."""
        lasted = max((sum(seconds) for seconds in samples.series.values()), default=0.0)
        if lasted + samples.aside > clock.round + _SLACK_SECONDS:
            return (
                f"the calls of a round ({what}) are said to have taken {lasted + samples.aside:.3g} s, "
                f"and the whole round took {clock.round:.3g} s"
            )
        if clock.calls is None:
            return ""
        accounted = lasted + samples.aside
        self._rounds.setdefault(what, []).append(min(1.0, accounted / max(clock.calls, 1e-9)))
        self._short[what] = self._short.get(what, 0) + (
            accounted < _SHARE * (clock.calls - _DELAY_SECONDS)
        )
        return self._too_short(what)

    def shares(self) -> dict[str, float]:
        """For each kind of round, the median share of its time that its calls account for."""
        return {what: sorted(each)[len(each) // 2] for what, each in self._rounds.items()}

    def _too_short(self, what: str) -> str:
        rounds, short = len(self._rounds[what]), self._short[what]
        if _tail(rounds, short) > _FALSE_ALARM:
            return ""
        return (
            f"the calls of {short} of {rounds} rounds ({what}) account for "
            f"{self.shares()[what]:.0%} of the time that the rounds took by the coordinator's clock"
        )


def _tail(rounds: int, short: int) -> float:
    """How probable it is that as many honest rounds are short, or more (binomial)."""
    return sum(
        math.comb(rounds, k) * _BY_CHANCE**k * (1 - _BY_CHANCE) ** (rounds - k)
        for k in range(short, rounds + 1)
    )
