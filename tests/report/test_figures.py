from __future__ import annotations

import pytest

from harness.report import curves
from harness.report.figures import Omitted, Picture, draw_figures, themed
from harness.report.rows import report_rows
from harness.report.style import GRID, INK, MUTED, PAPER, wrapped

from .synthetic_run import record, run_records


def drawn(records):
    return {figure.drawing.name: figure for figure in draw_figures(report_rows(records))}


def test_a_figure_without_data_is_left_out_with_a_reason():
    figures = drawn([record("trial", "a", "native", metrics={"test_accuracy": 0.5})])
    assert isinstance(figures.pop("accuracy"), Picture)
    assert all(isinstance(figure, Omitted) and figure.reason for figure in figures.values())


def test_descriptions_tell_the_numbers():
    figures = drawn([record("trial", "a", "native", metrics={"test_accuracy": 0.5})])
    assert figures["accuracy"].alt == "Test accuracy: a 50 %"


@pytest.mark.parametrize("name", ["_private", "$x^$", r"50% \alpha^", "{x} & <y>", "\u4f60\u597d"])
def test_names_that_matplotlib_would_read_as_its_own(name):
    metrics = {"test_accuracy": 0.5, "synops_ac": 5e4, "synops_mac": 0.0}
    rows = report_rows([record("trial", name, "native", metrics=metrics)])
    (legend,) = curves.tradeoff(rows).legends
    assert [text.get_text().strip() for text in legend.get_texts()] == [name]
    assert isinstance(
        drawn([record("trial", name, "native", metrics=metrics)])["tradeoff"], Picture
    )


def test_long_names_keep_their_ends():
    name = "a-plugin-with-a-rather-long-name hidden=100 surrogate=fast_sigmoid seed-free=true"
    short = wrapped(name, 22, 3)
    assert short.startswith("a-plugin")
    assert short.endswith("=true")
    assert max(map(len, short.split("\n"))) <= 22
    assert len(short.split("\n")) <= 3
    assert wrapped("short") == "short"


def test_page_figures_follow_the_theme_and_files_do_not():
    picture = drawn(run_records())["latency"]
    assert "var(" not in picture.svg
    style, body = themed(picture.svg).split("</style>", 1)
    assert "prefers-color-scheme:dark" in style
    assert not any(colour in body for colour in (INK, MUTED, GRID, PAPER))


def test_one_epoch_and_unequal_lengths_are_drawn():
    histories = [[{"loss": 1.0}], [{"loss": 0.5}, {"loss": 0.4}, {"other": 1.0}]]
    records = [
        record(
            "trial", "a", "native", seed, metrics={"accuracy_by_step": [0.5] * 3}, history=history
        )
        for seed, history in enumerate(histories)
    ]
    figures = drawn(records)
    assert isinstance(figures["history"], Picture)
    assert isinstance(figures["steps"], Picture)
