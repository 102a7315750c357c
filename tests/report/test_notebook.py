"""A run's short table, and its figures as axes."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes

from harness.errors import UsageError
from harness.report.notebook import axes_of, short_table
from harness.results.summary import summarise

from .synthetic_run import layers_records, record, run_records


def test_the_table_has_the_texts_of_the_report():
    table = short_table(summarise([record("a", metrics={"test_accuracy": 0.5})]))
    assert table.to_dict("records") == [{"Row": "a", "Test accuracy": "50 %"}]


def test_every_row_has_a_line():
    summaries = summarise(run_records())
    table = short_table(summaries)
    assert "Latency" in table.columns
    assert len(table) == len(summaries)


def test_layers_have_a_table_too():
    assert len(short_table(summarise(layers_records())))


@pytest.mark.parametrize("name", ["accuracy", "latency", "sparsity", "throughput", "tradeoff"])
def test_a_figure_is_axes(name):
    assert isinstance(axes_of(summarise(run_records()), name)[0], Axes)


@pytest.mark.parametrize(("name", "told"), [("acuracy", "accuracy"), ("fit", "no row fits")])
def test_no_such_figure_is_one_line(name, told):
    with pytest.raises(UsageError, match=told):
        axes_of(summarise(run_records()), name)
