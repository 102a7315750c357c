"""The grid of a plugin's accuracy over presets and a swept parameter."""

from __future__ import annotations

import pytest

from harness.report import figures, grids
from harness.report.rows import network_rows
from harness.results.record import Cited
from harness.results.summary import summarise

from .synthetic_run import record


def swept(hidden, preset, accuracy=0.9, plugin="a", **params):
    return record(
        plugin,
        metrics={"test_accuracy": accuracy},
        of={
            "preset": preset,
            "params": {"hidden": hidden, **params},
            "swept": {"hidden": hidden},
        },
    )


def rows(*records):
    return network_rows(summarise(records))


def square(**more):
    return rows(
        *(
            swept(hidden, preset, theta=theta, **more)
            for hidden in (128, 32)
            for preset, theta in (("high", 10.0), ("low", 2.0))
        )
    )


def test_presets_follow_their_parameters_and_columns_the_swept_values():
    with figures.settings():
        (axes,) = grids.grid(grids.shown(square())).figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["low", "high"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["32", "128"]
    assert axes.get_xlabel() == "hidden"


def test_a_cell_tells_the_accuracy_and_what_the_source_reports():
    cited = Cited(title="t", authors="a", year=2020, accuracy=0.7)
    made = [swept(h, p, 0.8).model_copy(update={"source": cited}) for h in (1, 2) for p in "pq"]
    with figures.settings():
        drawn = grids.grid(grids.shown(rows(*made)))
    assert {text.get_text() for text in drawn.figure.axes[0].texts} == {"80.00\n(70.00)"}
    assert "source" in drawn.remark


@pytest.mark.parametrize(
    "records",
    [
        [swept(32, "one"), swept(64, "one")],
        [swept(32, "one"), swept(32, "two")],
        [record("a", metrics={"test_accuracy": 0.5})],
    ],
)
def test_less_than_two_by_two_is_no_grid(records):
    assert not grids.shown(rows(*records))


def test_the_largest_grid_is_shown():
    more = [swept(h, p, plugin="b") for h in (1, 2, 3) for p in ("p", "q")]
    some = [swept(h, p, plugin="a") for h in (1, 2) for p in ("p", "q")]
    assert {row.row.plugin for row in grids.shown(rows(*some, *more))} == {"b"}


def test_numbers_sort_by_their_value():
    assert list(
        grids.columns(rows(swept("64-32", "p"), swept("256-128", "p"), swept("8", "p")))
    ) == [
        ("8",),
        ("64-32",),
        ("256-128",),
    ]
