from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.numbers import ABSENT, in_unit, plain, points, show
from harness.results.metrics import REGISTRY
from harness.results.summary import Cell


def row(value, low=None, high=None):
    return Cell(value, low, high)


@pytest.mark.parametrize(
    ("unit", "cells", "text"),
    [
        ("fraction", row(0.97432, 0.9712, 0.9771), "97.4 % [97.1, 97.7]"),
        ("fraction", row(0.97432, 0.97412, 0.97451), "97.43 % [97.41, 97.45]"),
        ("fraction", row(0.883, 0.76, 1.0), "88.3 % [76.0, 100.0]"),
        ("fraction", row(0.0), "0 %"),
        ("fraction", row(1.0), "100 %"),
        ("fraction", row(0.99996), "99.996 %"),
        ("fraction", row(0.9996), "99.96 %"),
        ("number", row(0.4213, 0.4101, 0.4302), "0.42 [0.41, 0.43]"),
        ("number", row(2.0, 1.9, 2.1), "2.0 [1.9, 2.1]"),
        ("number", row(0.0, 0.0, 0.2), "0.0 [0.0, 0.2]"),
        ("number", row(5.79, 2.40, 6.34), "5.8 [2.4, 6.3]"),
        ("count", row(7.2e6, 46_188, 8.4e6), "7.2 M [0.05, 8.4]"),  # 0.0 would be none at all
        ("number", row(7), "7"),
        ("count", row(412), "412"),
        ("count", row(999.9), "1.00 k"),
        ("count", row(397_510), "398 k"),
        ("count", row(9_937_500.0), "9.94 M"),
        ("count", row(2097.0, 2000.0, 2156.0), "2.10 k [2.00, 2.16]"),
        ("count", row(0), "0"),
        ("bytes", row(325_058_560), "310 MiB"),
        ("bytes", row(512), "512 B"),
        ("bytes per second", row(2048), "2 KiB/s"),
        ("ms", row(7), "7 ms"),
    ],
)
def test_no_more_digits_than_the_interval_supports(unit, cells, text):
    assert str(in_unit(cells, unit)) == text


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (row(0.95), "+1.0"),
        (row(0.9399), "0.0"),
        (row(0.93, 0.92, 0.94), "-1.0 [-2.0, 0.0]"),
        (row(0.9432, 0.9431, 0.9433), "+0.32 [+0.31, +0.33]"),
        (None, ABSENT),
    ],
)
def test_differences_are_signed_points(cells, text):
    assert str(points(cells, Cell(0.94))) == text


@given(st.floats(0, 1e15), st.floats(0, 1e15), st.floats(0, 1e15))
def test_every_number_has_a_text(one, two, three):
    low, value, high = sorted((one, two, three))
    for unit in ("fraction", "number", "count", "bytes"):
        assert in_unit(row(value), unit).interval == ""
        assert in_unit(row(value, low, high), unit).interval.startswith("[")


@given(st.text())
def test_plain_text_is_one_printable_line(text):
    assert plain(text).isprintable()
    if text.isprintable():
        assert plain(text) == text


def test_every_metric_has_a_format_and_an_absent_one_is_a_dash():
    for metric in REGISTRY:
        assert show(Cell(0.5), metric.name).value
        assert str(show(None, metric.name)) == ABSENT
