"""Who stands on a card that cannot hold everybody."""

from __future__ import annotations

import pytest

from harness.coordinator.group.capacity import Capacity, places

GIB = 2**30


class Card:
    """Each standing process takes `each` bytes of `total`."""

    def __init__(self, total, each):
        self.total, self.each = total, each
        self.standing, self.most = [], 0

    def free(self):
        return self.total - self.each * len(self.standing)

    def run(self, capacity, who):
        if who in self.standing:
            capacity.use(who)
            return
        capacity.make_room()
        self.standing.append(who)
        self.most = max(self.most, len(self.standing))
        capacity.opened(who)


@pytest.mark.parametrize(("total", "most"), [(8, 4), (80, 12), (1, 1)])
def test_no_more_stand_than_half_the_card_holds(total, most):
    card = Card(total * GIB, 0.9 * GIB)
    capacity = Capacity(lambda who: card.standing.remove(who), lambda: int(card.free()))
    for _ in range(3):
        for who in range(12):
            card.run(capacity, who)
    assert card.most == most


def test_the_largest_process_decides_whenever_it_opens():
    """The first may have failed before it took anything."""
    card = Card(8 * GIB, 0)
    capacity = Capacity(lambda who: card.standing.remove(who), lambda: int(card.free()))
    card.run(capacity, "failed")
    assert capacity.places is None
    card.each = GIB
    for who in range(12):
        card.run(capacity, who)
    assert card.most == 4


def test_the_one_used_the_longest_ago_leaves():
    ended = []
    capacity = Capacity(ended.append, lambda: None)
    for who in "abc":
        capacity.make_room()
        capacity.opened(who)
    capacity.places = 3
    capacity.use("a")
    capacity.make_room()
    capacity.opened("d")
    assert ended == ["b"]
    capacity.make_room()
    assert ended == ["b", "c"]


def test_without_a_card_there_is_no_limit():
    ended = []
    capacity = Capacity(ended.append, lambda: None)
    for who in range(100):
        capacity.make_room()
        capacity.opened(who)
    assert (ended, capacity.places) == ([], None)


def test_places_by_the_size_of_a_process():
    assert places(8 * GIB, GIB) == 4
    assert places(GIB, 8 * GIB) == 1
    assert places(GIB, 0) is None
