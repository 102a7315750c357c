from dataclasses import replace

import numpy as np
import pytest

from harness.errors import InvalidOutput
from harness.metrics.checks import declared, listed, value_of
from harness.plugin import Change, MetricSpec, Unsupported

GOOD = MetricSpec("mine", "Mine", "number", "more", "what it means", lambda _: 1.0)
CHANGE = Change("shift", "pixels", (1.0, 2.0), lambda values, _strength, _draws: values)


def test_a_declaration_is_what_the_hook_says():
    found = declared(replace(GOOD, changes=(CHANGE,)), "here")
    assert (found.name, found.better, found.combine) == ("mine", "more", "seeds")
    assert (found.source, found.changes) == ("here", {"shift": "pixels"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Mine!"}, "metric Mine!: its name is not of a-z, 0-9 and _, 2 to 48 of them"),
        ({"title": ""}, "metric mine: its title is no line of text"),
        ({"meaning": "two\nlines"}, "metric mine: its meaning is no line of text"),
        ({"unit": "furlong"}, "metric mine: its unit: wanted 'fraction', 'ms'"),
        ({"better": ""}, "metric mine: its better: wanted 'more' or 'less', not ''"),
        ({"combine": "steps"}, "metric mine: its combine: wanted 'seeds'"),
        ({"combine": "accuracy"}, 'metric mine: combine "accuracy" is for the unit "fraction"'),
        ({"compute": 3}, "metric mine: compute is no function"),
        ({"changes": (3,)}, "metric mine: 3 is no Change"),
        ({"changes": (replace(CHANGE, strengths=()),)}, "its change shift: its strengths are not"),
        ({"changes": (replace(CHANGE, strengths=(2.0, 1.0)),)}, "are not ascending numbers"),
        (
            {"changes": (replace(CHANGE, strengths=(0.0, 1.0)),)},
            "are not ascending numbers above 0",
        ),
        ({"changes": (replace(CHANGE, of="weights"),)}, "of is 'weights', wanted 'inputs'"),
        ({"changes": (replace(CHANGE, apply=None),)}, "its change shift: apply is no function"),
    ],
)
def test_what_is_wrong_with_a_declaration_is_one_line(changes, told):
    with pytest.raises(InvalidOutput) as error:
        declared(replace(GOOD, **changes), "here")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [None, "text", {"a": GOOD}, [], 3])
def test_a_hook_returns_a_list(value):
    with pytest.raises(InvalidOutput, match=r"mine\.py: harness_metrics returned "):
        listed(value, "mine.py")
    assert listed((GOOD,), "mine.py") == [GOOD]


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.array(0.5), np.int64(1)])
def test_numbers_of_any_library_are_values(value):
    assert value_of(declared(GOOD, ""), value) == float(value)


@pytest.mark.parametrize(
    ("changes", "value", "told"),
    [
        ({}, None, "it came out as nothing, wanted a number"),
        ({}, "0.5", "it came out as '0.5', wanted a number"),
        ({}, True, "it came out as True, wanted a number"),
        ({}, [1.0, 2.0], "wanted a number"),
        ({}, float("nan"), "it came out as nan, wanted a finite number"),
        ({}, -float("inf"), "wanted a finite number"),
        ({}, -1.0, "it came out as -1, wanted at least 0 (or signed=True)"),
        ({"unit": "fraction"}, 1.5, "it came out as 1.5, wanted in [0, 1] (or signed=True)"),
        ({"combine": "named"}, 0.5, "it returned 0.5, wanted a mapping of names to numbers"),
        ({"combine": "named"}, {}, "wanted a mapping of names to numbers"),
        ({"combine": "named"}, {"a": float("nan")}, "a came out as nan, wanted a finite number"),
    ],
)
def test_an_impossible_value_is_none(changes, value, told):
    with pytest.raises(Unsupported) as reason:
        value_of(declared(replace(GOOD, **changes), ""), value)
    assert told in str(reason.value)


def test_a_signed_metric_may_be_negative_and_a_named_one_has_names():
    assert value_of(declared(replace(GOOD, signed=True), ""), -3.0) == -3
    assert value_of(declared(replace(GOOD, combine="named"), ""), {1: 0.5}) == {"1": 0.5}
