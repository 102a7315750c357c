from __future__ import annotations

import pytest

from harness.report.changes import difference, headline, markdown, page
from harness.results.change import Change
from harness.results.regression import Comparison, Lost

HOSTILE = "<script>|`x`\n\x1b[31m"


def change(row, metric="test_accuracy", verdict="worse", value=-0.02, **fields):
    fields = {
        "low": value - 0.01,
        "high": value + 0.01,
        "relative": metric != "test_accuracy",
    } | fields
    return Change(row, metric, 0.9, 0.9 + value, value, verdict=verdict, **fields)


@pytest.fixture
def comparison():
    return Comparison(
        "old",
        "new",
        [
            change("up", verdict="better", value=0.02),
            change("down"),
            change("same", verdict="tie"),
            change("fat", "peak_memory_bytes", "untested", 0.5, low=None, high=None),
            change("lean", "peak_memory_bytes", "untested", 0.01, low=None, high=None),
        ],
        lost=[Lost("gone", "seed 0: failed: it broke")],
        only_new=["fresh"],
        versions=[("commit", "a", "b")],
        notes=["Timings are not compared: two machines."],
    )


def test_only_what_changed_is_shown_the_worst_first(comparison):
    text = markdown(comparison)
    assert text.index("| down |") < text.index("| up |")
    assert "| same |" not in text
    assert (
        "| down | Test accuracy | 90 % | 88 % | -2.00 points \\[-3.00, -1.00\\] | **worse** |"
        in text
    )
    assert "| fat |" in text, "half as much memory again is worth a line"
    assert "| lean |" not in text
    assert "| gone | seed 0: failed: it broke |" in text
    assert "| commit | a | b |" in text
    assert "- Timings are not compared: two machines." in text


def test_all_or_one_verdict_alone(comparison):
    text = markdown(comparison, every=True)
    assert all(f"| {row} |" in text for row in ("up", "down", "same", "fat", "lean"))
    text = markdown(comparison, only=["worse"])
    assert "| down |" in text
    assert "| up |" not in text
    assert "| fat |" not in text


def test_the_headline_counts(comparison):
    assert (
        headline(comparison) == "new against old: 1 worse, 1 better, 1 tie, 1 row with lost results"
    )


def test_a_difference_of_what_was_0_is_a_number():
    was_zero = Change("row", "synops_ac", 0.0, 12.0, 12.0, verdict="tie", low=1.0, high=23.0)
    assert difference(was_zero) == "+12"
    assert difference(change("row", "latency_ms", value=0.1)) == "+10.00 % [+9.00, +11.00]"


def test_names_break_out_of_nothing():
    hostile = Comparison(HOSTILE, "new", [change(HOSTILE)], notes=[HOSTILE])
    text, html = markdown(hostile), page(hostile)
    assert "<script>" not in text + html
    assert "\x1b" not in text + html
    row = next(line for line in text.splitlines() if line.startswith("| ") and "script" in line)
    assert row.replace("\\|", "").count("|") == 7


def test_the_page_is_whole_and_loads_nothing(comparison):
    html = page(comparison)
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    assert "default-src 'none'" in html
    assert '<td class="worse">worse</td>' in html
    assert "http" not in html.replace("http-equiv", "")
