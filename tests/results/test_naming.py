from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.results.naming import baselines_asked, baselines_named, names_row, rows_named
from harness.results.session import Session


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fake", True),
        ("fak", False),
        ("fake hidden=32", True),
        ("fake hidden=64", False),
        ("fake preset=quick", True),
        ("fake preset=quick hidden=32", True),
        ("fake rate=0.5", False),
        ("fake hidden", False),
        ("fake task=digits threads=1 hidden=32", True),
        ("fake task=mnist", False),
        (" ", False),
    ],
)
def test_a_row_is_named_by_its_plugin_and_its_swept_values(make_row, text, names):
    row = make_row(params={"hidden": 32, "rate": 0.5}, swept={"hidden": 32})
    assert names_row(text, row) == names


@pytest.fixture
def rows(make_row):
    """Two rows of `ada` and one of `bob` on each of two tasks."""
    swept = [{"hidden": hidden} for hidden in (32, 64)]
    return [
        make_row(task=task, **fields)
        for task in ("digits", "yin-yang")
        for fields in (*({"plugin": "ada", "swept": s} for s in swept), {"plugin": "bob"})
    ]


def test_the_row_that_is_called_so_comes_before_those_that_would_fit(make_row):
    other = make_row(framework_version="1", swept={"net": "a b"})
    row = make_row(framework_version="2", swept={"net": "a b"})
    assert rows_named("fake net=a b none=2", [other, row, row]) == [row]


def test_a_baseline_is_a_row_of_each_task_or_of_one(rows):
    assert baselines_named("bob", rows) == [rows[2], rows[5]]
    assert baselines_named("ada hidden=64", rows) == [rows[1], rows[4]]
    assert baselines_named("ada task=yin-yang hidden=32", rows) == [rows[3]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ada", "--baseline 'ada' names 2 rows, give one: 'ada hidden=32', 'ada hidden=64'"),
        ("ada task=digits", "names 2 rows, give one: 'ada hidden=32', 'ada hidden=64'"),
        ("bobo", "known: ada task=digits hidden=32, ada task=digits hidden=64, ada task=yin-yang "),
    ],
)
def test_a_baseline_that_is_several_rows_or_none_is_refused_with_the_rows(rows, text, reason):
    with pytest.raises(UsageError) as error:
        baselines_named(text, rows)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("text", "places"),
    [("bob", [2, 5]), ("bob task=digits", [2]), ("ada", []), ("", []), (" ", []), (3, [])],
)
def test_what_the_last_session_asked_for_counts_where_it_is_one_row(rows, text, places):
    sessions = [Session(config={"baseline": "ada hidden=32"}), Session(config={"baseline": text})]
    assert baselines_asked(sessions, rows) == [rows[place].key for place in places]
    assert baselines_asked([], rows) == []
