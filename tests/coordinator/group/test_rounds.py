from __future__ import annotations

from collections import Counter

from harness.coordinator.group.rounds import balanced_orders


def test_over_two_rounds_every_member_is_as_often_early_as_late():
    members = list("abcde")
    orders = list(balanced_orders(members, 6))
    assert all(sorted(order) == members for order in orders)
    for first, second in zip(orders[::2], orders[1::2]):
        places = Counter()
        for order in (first, second):
            places.update({member: place for place, member in enumerate(order)})
        assert set(places.values()) == {len(members) - 1}
    assert len({tuple(order) for order in orders}) > 2


def test_over_four_rounds_so_is_each_of_the_two_processes():
    orders = list(balanced_orders(list("abcde"), 8))
    for process in (0, 1):
        mine = orders[process::2]
        assert all(later == first[::-1] for first, later in zip(mine[::2], mine[1::2]))


def test_orders_are_those_of_the_seed():
    assert list(balanced_orders("abc", 4)) == list(balanced_orders("abc", 4))
    assert list(balanced_orders("abcdef", 4)) != list(balanced_orders("abcdef", 4, seed="other"))
    assert list(balanced_orders("abc", 0)) == []
