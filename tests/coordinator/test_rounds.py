from __future__ import annotations

from collections import Counter

from harness.coordinator.rounds import balanced_orders


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


def test_orders_are_those_of_the_seed():
    assert list(balanced_orders("abc", 4)) == list(balanced_orders("abc", 4))
    assert list(balanced_orders("abcdef", 4)) != list(balanced_orders("abcdef", 4, seed=1))
    assert list(balanced_orders("abc", 0)) == []
