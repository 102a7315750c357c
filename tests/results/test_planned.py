from __future__ import annotations

import itertools
import random

import pytest

from harness.results.planned import in_planned_order
from harness.results.session import Session

PLUGINS = ("b", "a", "c@1")


def session(plugins=PLUGINS, data=None, **config):
    facts = {name: {"digest": "x"} for name in plugins}
    return Session(plugins=facts, config={"preset": "quick", **config}, data=data or {})


@pytest.fixture
def shuffled(make_record):
    """Trials of all combinations of the fields `of`, in no order."""

    def make(**of):
        combinations = itertools.product(*of.values())
        fields = [dict(zip(of, each, strict=True)) for each in combinations]
        random.Random(0).shuffle(fields)
        return [make_record(**each) for each in fields]

    return make


def test_plugins_and_seeds_have_the_order_in_which_they_were_asked_for(make_record):
    def record(name, seed):
        plugin, _, pinned = name.partition("@")
        return make_record(plugin=plugin, pinned=pinned or None, seed=seed)

    planned = [record(name, seed) for name in PLUGINS for seed in (2, 0)]
    for ended in itertools.permutations(planned, 6):
        assert in_planned_order(ended, [session(seeds=[2, 0])]) == planned


def test_presets_and_swept_values_too(shuffled):
    swept = [{"rate": rate, "hidden": hidden} for hidden in (8, 64) for rate in (0.1, 0.02)]
    ended = shuffled(plugin="b", params=swept, preset=["quick", "source-1", "source-2"])
    given = {"b": {"rate": ["0.10", "2e-2"]}, "*": {"hidden": [64, 8]}}
    found = in_planned_order(ended, [session(preset="source*,quick", params=given)])
    assert [(r.row.preset, r.row.params["rate"], r.row.params["hidden"]) for r in found] == [
        *itertools.product(["source-1", "source-2", "quick"], [0.1, 0.02], [64, 8])
    ]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (["no", "yes"], [False, True]),
        (["b-8", "a-9"], ["b-8", "a-9"]),
        (["x/b.py:net", "a.py:net"], ["b.py:net@0123456789ab", "a.py:net@ba9876543210"]),
        ([2.0, "1"], [2, 1]),
    ],
)
def test_a_value_is_known_whatever_the_command_called_it(make_record, given, values):
    planned = [make_record(plugin="a", params={"p": value}) for value in values]
    sessions = [session(params={"a": {"p": given}})]
    assert in_planned_order(planned[::-1], sessions) == planned


def test_tasks_come_first(make_record):
    planned = [make_record(task=task, plugin=name) for task in ("z", "y") for name in ("b", "a")]
    data = {task: {"digest": task} for task in ("z", "y")}
    for ended in itertools.permutations(planned):
        assert in_planned_order(ended, [session(data=data)]) == planned


def test_what_no_plan_has_keeps_its_order_at_the_end(make_record):
    others = [
        make_record(plugin=p, params={"n": n}) for p, n in (("z", 1), ("b", 9), ("y", 1), ("a", 9))
    ]
    known = [make_record(plugin=name, params={"n": 1}) for name in ("b", "a")]
    ended = [others[0], known[1], *others[1:3], known[0], others[3]]
    assert in_planned_order(ended, [session(params={"*": {"n": ["1"]}})]) == [*known, *others]
    assert in_planned_order(ended, []) == ended


def test_the_latest_plan_that_has_a_row_places_it(make_record):
    planned = [make_record(plugin=name) for name in ("c", "d", "a", "b")]
    sessions = [session(("d", "a", "b")), session(("c", "d"))]
    assert in_planned_order(sorted(planned, key=lambda r: r.row.plugin), sessions) == planned


def test_a_measurement_stands_with_its_row_and_what_is_of_no_row_last(make_record):
    row = {"plugin": "a"}
    trials = [make_record(**row), make_record(**row, seed=1)]
    timing = make_record("network-timing", **row)
    other = make_record(plugin="b")
    found = in_planned_order([*trials, timing, other], [session(seeds=[0, 1])])
    assert found == [other, trials[0], timing, trials[1]]


@pytest.mark.parametrize("damaged", [None, 3, "x", ["x"], {"a": 3}, {"a": {"p": None}}])
def test_a_damaged_configuration_orders_nothing_and_breaks_nothing(make_record, damaged):
    records = [make_record(plugin="a"), make_record(plugin="b", seed=1)]
    config = dict.fromkeys(("params", "seeds", "preset"), damaged)
    found = in_planned_order(records, [Session(plugins={"a": {}, "b": {}}, config=config)])
    assert found == records
