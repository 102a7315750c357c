"""What every session does alike: warm-up, rounds, memory. A session is one open subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

from harness.errors import InvalidOutput
from harness.measure.clock import cpu_seconds, no_collection
from harness.measure.heap import return_free_memory
from harness.protocol.events import TIMED, TIMING, Measured, Opened, Samples, Swept
from harness.protocol.requests import TakeEnergy, TakeRound, TakeSweep, TakeValidity, WarmUp
from harness.worker import settings

#: Warm-up ends when the median of these many calls is within the tolerance of those before.
_WARM_CALLS, _WARM_TOLERANCE, _WARM_SECONDS = 3, 0.05, 0.05
#: A call that takes longer than this needs no call before it to be warm. Where a round takes several
#: calls, neither do those longer than a short call: the first of them warms, and neither the median nor
#: the fastest is it.
_LONG_CALL, _SHORT_CALL, _SEVERAL = 0.5, 0.005, 3


class Session(ABC):
    """An open subject, called in rounds as the coordinator asks.

    It is built anew in every round: the memory layout of arrays changes the speed by several percent,
    so layout effects count as noise between rounds and not as a difference between subjects.
    """

    def __init__(self) -> None:
        self._warm: set[str] = set()
        self._last_seconds: dict[str, float] = {}
        self._aside = 0.0

    @abstractmethod
    def opened(self) -> Opened:
        """What the coordinator is told when the subject stands."""

    @abstractmethod
    def renew(self) -> None:
        """Builds the subject anew, so that its memory is allocated anew."""

    @abstractmethod
    def call(self, what: str) -> Mapping[str, float]:
        """One call: the seconds of each series, timed by the host's clock."""

    def batch(self, what: str) -> int:
        """The number of samples in a call of `what`."""
        return 1

    def use_batch(self, what: str, batch: int) -> None:  # noqa: B027 (nothing, unless overridden)
        """Takes `batch` samples in each call of `what` from now on."""

    def start_round(self) -> None:  # noqa: B027 (nothing, unless overridden)
        """Called between a round's warm-up and its timed calls."""

    def finish_round(self) -> None:  # noqa: B027 (nothing, unless overridden)
        """What is checked after a round, outside of the timed calls."""

    def memory(self) -> Measured:
        """Peak memory, in a pass of its own."""
        raise InvalidOutput("this subject has no memory pass")

    def energy(self, request: TakeEnergy) -> Measured:
        """Joules a sample, in a pass of its own."""
        raise InvalidOutput("this subject has no energy pass")

    def sweep(self, request: TakeSweep) -> Swept:
        """The rate by batch size, in a pass of its own."""
        raise InvalidOutput("this subject has no sweep")

    def validity(self, request: TakeValidity) -> Measured:
        """Checks that the timed calls did the work."""
        return Measured(metrics={})

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Around what the host does between timed calls: fetching inputs, checking spikes."""
        start = perf_counter()
        yield
        self._aside += perf_counter() - start

    def take(self, request: TakeRound, at: Callable[[str], None] = lambda _stage: None) -> Samples:
        """One round: calls for `request.seconds`, at least `request.calls`, after a warm-up.

        `at` is told when the timed calls begin, and when they have ended.
        """
        if request.fresh:
            return_free_memory()
            self.renew()
        if request.batch:
            self.use_batch(request.what, request.batch)
        self.warm_up(request.what, request.calls)
        self.start_round()
        series: dict[str, list[float]] = {}
        calls = 0
        with no_collection():
            self._aside = 0.0
            at(TIMING)
            busy, start = cpu_seconds(), perf_counter()
            while calls < request.calls or perf_counter() - start < request.seconds:
                for name, seconds in self.call(request.what).items():
                    series.setdefault(name, []).append(seconds)
                calls += 1
            wall, busy = perf_counter() - start, cpu_seconds() - busy
            at(TIMED)
            aside = self._aside
        self._last_seconds[request.what] = max(taken[-1] for taken in series.values())
        settings.check()
        self.finish_round()
        # A setting that a hook changes and sets back shows itself by the CPU time of all threads, as does
        # work in another process.
        cores = busy / wall if wall > 0 else 0.0
        return Samples(batch=self.batch(request.what), series=series, aside=aside, cores=cores)

    def warm(self, request: WarmUp) -> Measured:
        """The first warm-up of each kind of calls, before the rounds: others may be warmed up meanwhile."""
        for what in request.whats:
            if batch := request.batches.get(what):
                self.use_batch(what, batch)
            self.warm_up(what)
        return Measured(metrics={})

    def warm_up(self, what: str, to_follow: int = 1) -> None:
        """Calls until the time of a call no longer changes, for a twentieth of a second at most.

        In later rounds two calls do, one that takes a while, or none where enough are `to_follow`: only
        what other processes pushed out of the caches has to come back.
        """
        last = self._last_seconds.get(what, 0.0)
        if last > _LONG_CALL:
            return
        if what in self._warm:
            short = last < _SHORT_CALL
            for _ in range(2 if short else int(to_follow < _SEVERAL)):
                self.call(what)
            return
        self._warm.add(what)
        start = perf_counter()
        before = 0.0
        while perf_counter() - start < _WARM_SECONDS:
            times: list[float] = []
            while len(times) < _WARM_CALLS:
                times.append(max(self.call(what).values()))
                self._last_seconds[what] = times[-1]
                if times[-1] > _LONG_CALL:
                    return
            median = sorted(times)[_WARM_CALLS // 2]
            if abs(median - before) <= _WARM_TOLERANCE * before:
                return
            before = median
