from __future__ import annotations

import pytest

from harness.results.apart import why_apart
from harness.results.summary import Summary
from tests.fixtures.small_runs import small_row


def summaries(*rows):
    return [Summary(row, "row", {}) for row in rows]


@pytest.mark.parametrize(
    ("changes", "told", "advice"),
    [
        ({"limit": 100}, "limit (all samples, now 100)", "Make both with the same --limit."),
        ({"threads": 2}, "threads (1, now 2)", "Make both with the same --threads."),
        ({"device": "cuda"}, "device (cpu, now cuda)", "Make both with the same --device."),
        ({"data": "y" * 64}, "data (xxxxxxxx, now yyyyyyyy)", "Make both with the same data."),
        (
            {"preset": "best"},
            "preset (quick, now best)",
            "Put both into one run, as by --preset quick,best.",
        ),
        (
            {"task": "other"},
            "task (made-up, now other)",
            "Put both into one run, as by --task made-up,other.",
        ),
        (
            {"params": {"hidden": 8}},
            "hidden (64, now 8)",
            "Put both into one run, as by --set ada.hidden=64,8.",
        ),
        (
            {"params": {"hidden": 8}, "limit": 5},
            "limit (all samples, now 5), hidden (64, now 8)",
            "Make both with the same --limit, --set ada.hidden.",
        ),
    ],
)
def test_what_differs_is_named_with_what_to_do(changes, told, advice):
    old = small_row("ada", params={"hidden": 64}, data="x" * 64)
    (note,) = why_apart(summaries(old), summaries(old.model_copy(update=changes)))
    assert note == (
        f"ada differs between the two runs in {told}: rows that differ in that are not compared. {advice}"
    )


def test_of_several_rows_the_two_that_differ_least_are_told():
    old = small_row("ada", preset="best", params={"n": 2})
    near = small_row("ada", preset="best", params={"n": 1})
    far = small_row("ada", threads=9, params={"n": 1})
    (note,) = why_apart(summaries(old), summaries(far, near))
    assert "in n (2, now 1): " in note
    assert not [*why_apart(summaries(small_row("b")), summaries(far, near))]
