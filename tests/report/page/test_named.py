"""Values by name on a row's card: classes, and strengths of a change."""

from __future__ import annotations

import pytest

from harness.protocol.events import DeclaredMetric
from harness.report.page import named
from harness.report.page.named import named_values
from harness.report.rows import network_rows
from harness.results.metrics import join
from harness.results.summary import summarise
from report.synthetic_run import HOSTILE, record


@pytest.fixture
def declared():
    """Two metrics by hook: one with names, one with a change of the samples."""
    fields = {"unit": "fraction", "better": "more", "meaning": "x", "source": "mine"}
    join(
        [
            DeclaredMetric(name="by_class", title="By class", combine="named", **fields),
            DeclaredMetric(name="noisy", title="Noisy", changes={"noise": "noise, s.d."}, **fields),
        ]
    )


def values(*trials):
    (row,) = network_rows(summarise([record("a", n, **trial) for n, trial in enumerate(trials)]))
    return named_values(row)


def test_the_accuracy_of_each_class_is_told_by_its_name():
    fields = {"unit": "fraction", "better": "more", "meaning": "x", "source": "mine"}
    join(
        [
            DeclaredMetric(name=n, title=n, combine="named", **fields)
            for n in ("class_accuracy", "other")
        ]
    )
    metrics = {"class_accuracy": {"0": 0.5, "1": 1.0}, "other": {"0": 0.5}}
    (row,) = network_rows(summarise([record("a", metrics=metrics)]))
    tables = {
        table.title: [name for name, _ in table.lines] for table in named_values(row, ["cat"])
    }
    assert tables == {"class_accuracy": ["cat", "1"], "other": ["0"]}


def test_a_metric_with_names_is_a_table_of_means_over_the_seeds(declared):
    (table,) = values(
        {"metrics": {"by_class": {"0": 0.5, "1": 1.0}}},
        {"metrics": {"by_class": {"0": 0.7, HOSTILE: 0.25}}},
    )
    assert (table.title, table.help, table.heading, table.left) == ("By class", "x", "Name", 0)
    assert table.lines[:2] == [("0", "60 %"), ("1", "100 %")]
    assert table.lines[2][0].isprintable()


def test_of_many_names_the_first_are_shown(declared):
    (table,) = values({"metrics": {"by_class": {f"{n}": 0.5 for n in range(named.MOST_NAMES + 7)}}})
    assert (len(table.lines), table.left) == (named.MOST_NAMES, 7)


def test_accuracies_under_a_change_are_a_table_by_its_strength(declared):
    (table,) = values(
        {"facts": {"accuracy_under": {"noise": {"0": 0.9, "0.5": 0.6, "0.1": 0.8}}}},
        {"facts": {"accuracy_under": {"noise": {"0": 1.0, "0.1": 0.9}}}},
    )
    assert (table.title, table.heading) == ("Accuracy under noise", "noise, s.d.")
    assert table.lines == [("0", "95 %"), ("0.1", "85 %")]


def test_a_row_without_any_has_no_table():
    assert values({"metrics": {"test_accuracy": 0.5}}) == []
