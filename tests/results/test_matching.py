from __future__ import annotations

from harness.results.matching import identity, match
from harness.results.summary import Summary
from tests.fixtures.small_runs import small_row


def summaries(*rows):
    return [Summary(row, f"row {place}", {}) for place, row in enumerate(rows)]


def test_a_row_is_the_same_whatever_its_code_and_however_it_was_asked_for():
    old = small_row("a", framework_version="1", digest="x", params={"hidden": 8})
    new = small_row(
        "a", framework_version="2", digest="y", params={"hidden": 8}, swept={"hidden": 8}
    )
    assert identity(old) == identity(new)
    (pair,) = match(summaries(old), summaries(new)).pairs
    assert (pair.old.row, pair.new.row) == (old, new)


def test_other_parameters_tasks_presets_devices_and_threads_are_other_rows():
    old = small_row("a", params={"hidden": 8})
    others = [
        small_row("a", params={"hidden": 16}),
        *(small_row("a", params={"hidden": 8}, **{name: value}) for name, value in (
            ("task", "b"), ("preset", "best"), ("device", "cuda"), ("threads", 2)
        )),
    ]  # fmt: skip
    found = match(summaries(old), summaries(*others))
    assert not found.pairs
    assert (len(found.only_old), len(found.only_new)) == (1, 5)


def test_a_parameter_that_a_version_adds_leaves_the_row_the_same():
    old = small_row("a", params={"hidden": 8})
    new = small_row("a", params={"hidden": 8, "bias": True})
    assert len(match(summaries(old), summaries(new)).pairs) == 1


def test_an_added_parameter_with_several_values_fits_none():
    old = small_row("a", params={"hidden": 8})
    new = [small_row("a", params={"hidden": 8, "bias": bias}) for bias in (True, False)]
    assert not match(summaries(old), summaries(*new)).pairs


def test_pairs_have_the_order_of_the_later_run():
    rows = [small_row(name) for name in "abc"]
    found = match(summaries(*rows), summaries(*reversed(rows)))
    assert [pair.new.row.plugin for pair in found.pairs] == ["c", "b", "a"]


def test_other_data_are_another_row_but_unknown_data_are_not():
    one, other, unknown = (small_row("a", data=data) for data in ("x", "y", None))
    assert not match(summaries(one), summaries(other)).pairs
    assert len(match(summaries(unknown), summaries(one)).pairs) == 1
    assert not match(summaries(unknown), summaries(one, other)).pairs


def test_rows_are_named_among_those_of_both_runs():
    rows = [small_row(name, task=task) for task in ("x", "y") for name in "ab"]
    found = match(summaries(*rows[:2]), summaries(*rows[1:]))
    assert [pair.label for pair in found.pairs] == ["b task=x"]
    assert [row.label for row in (*found.only_old, *found.only_new)] == [
        "a task=x", "a task=y", "b task=y"
    ]  # fmt: skip
