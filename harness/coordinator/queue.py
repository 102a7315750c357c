"""The order in which trials begin."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence

from harness.coordinator.plan import Planned
from harness.results.record import TrialRecord


class Queue:
    """The trials that have not begun, seed by seed; within a seed, the longest rows first.

    How long a row takes is known from its seeds before. Begun last, the longest would hold up the end.
    """

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._open: dict[int, dict[str, Planned]] = {}
        for plan in planned:
            self._open.setdefault(plan.trial.seed, {})[plan.trial.row.key] = plan
        self._seconds: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []  # of the seed that is next, the longest first
        self._lock = threading.Lock()

    def took(self, record: TrialRecord) -> None:
        """Keeps what a trial of the record's row takes."""
        key = record.row.key
        with self._lock:
            self._seconds[key] = record.seconds
            if self._heap:
                heapq.heappush(self._heap, (-record.seconds, 0, key))

    def next(self) -> Planned:
        """Takes the trial that should begin now."""
        with self._lock:
            seed, same = next(iter(self._open.items()))
            if not self._heap:
                times = self._seconds
                self._heap = [(-times.get(key, 0.0), n, key) for n, key in enumerate(same)]
                heapq.heapify(self._heap)
            while (longest := heapq.heappop(self._heap)[2]) not in same:
                pass  # its time became known since, and it was taken by that
            plan = same.pop(longest)
            if not same:
                del self._open[seed]
                self._heap = []
            return plan
