"""How many processes of a group stand at once: on a GPU, no more than its free memory holds.

A process that has used a GPU keeps a context there, a few hundred MiB, for as long as it lives, beside
its network and data. Where the card cannot hold those of all rows, the processes stand in turns: the
one that was used the longest ago is ended when another has to open, and opened again when its next
round comes. The rounds stay interleaved; a command takes longer by the openings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

#: The share of a card's free memory that standing processes may take; calls need the rest.
_SHARE = 0.5

P = TypeVar("P")


class Capacity(Generic[P]):
    """Places for standing processes: the least recently used one leaves, by `end`, for a new one.

    `places` is None where there is no limit. `free` tells the free bytes of the card; it is asked
    before and after a process opens, and the largest so far decides.
    """

    def __init__(self, end: Callable[[P], None], free: Callable[[], int | None]) -> None:
        self._end, self._free = end, free
        self._standing: list[P] = []
        self.places: int | None = None
        self._room: int | None = None
        self._before: int | None = None
        self._largest = 0

    def use(self, process: P) -> None:
        """`process` is about to be asked: it stands, and will be ended last."""
        if process in self._standing:
            self._standing.remove(process)
            self._standing.append(process)

    def make_room(self) -> None:
        """Ends processes until one more may open."""
        while self.places is not None and len(self._standing) >= self.places:
            self._end(self._standing.pop(0))
        self._before = self._free()

    def opened(self, process: P) -> None:
        """`process` stands now, and shows how much memory it takes."""
        self._standing.append(process)
        if self._before is None or (after := self._free()) is None:
            return
        self._room = self._room or self._before
        self._largest = max(self._largest, self._before - after)
        self.places = places(self._room, self._largest)


def places(free: int, each: int) -> int | None:
    """How many processes of `each` bytes may stand on a card with `free` bytes; None for any number."""
    return max(1, int(_SHARE * free) // each) if each > 0 else None
