from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from harness.report import curves, dots, raster, tradeoff
from harness.report.figures import Omitted, Picture, draw_figures, themed
from harness.report.rows import report_rows
from harness.report.style import GRID, INK, MUTED, PAPER, wrapped

from .synthetic_run import crowded_records, fit_records, record, run_records


@pytest.fixture(scope="module")
def crowd():
    return report_rows(crowded_records())


def axes_of(drawn):
    return drawn.figure.axes


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
    (legend,) = tradeoff.tradeoff(rows).figure.legends
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


def test_activity_stands_apart_from_the_training_history():
    rows = report_rows(run_records())
    titles = [axes.get_title()[:10] for axes in axes_of(curves.activity(rows))]
    assert titles == ["hidden1, %", "hidden2, %"]
    assert not any("density" in axes.get_title() for axes in axes_of(curves.history(rows)))


def test_activity_is_in_percent():
    history = [{"density_hidden1": 0.25}, {"density_hidden1": 0.5}]
    records = [record("trial", "a", "native", history=history)]
    (axes,) = axes_of(curves.activity(report_rows(records)))
    assert list(axes.lines[0].get_ydata()) == [25, 50]
    assert drawn(records)["activity"].alt == "Activity while training: a hidden1 25 to 50 %"


def test_layers_are_counted_as_numbers():
    history = [{f"density_hidden{n}": 0.1 for n in (10, 9, 1)} | {"loss": 1.0, "a": 1.0}]
    rows = report_rows([record("trial", "a", "native", history=history)])
    names = [name for name in curves.scalar_names(rows) if name.startswith("density")]
    assert names == ["density_hidden1", "density_hidden9", "density_hidden10"]


def test_scalars_that_find_no_panel_are_named():
    history = [{f"scalar{n}": 0.1 for n in range(6)}]
    rows = report_rows([record("trial", "a", "native", history=history)])
    assert curves.history(rows).remark == "Not drawn, but in trials.jsonl: scalar4, scalar5."


def test_many_rows_get_a_panel_for_each_plugin(crowd):
    figure, remark = curves.by_step(crowd)
    assert len(figure.axes) == 14
    assert "panel for each plugin" in remark
    dfa = next(a for a in figure.axes if a.get_legend().get_title().get_text() == "native-dfa")
    names = [text.get_text() for text in dfa.get_legend().get_texts()]
    assert names == ["best", "source", "source-32"]
    assert sum(to_hex(line.get_color()) == GRID for line in dfa.lines) == len(crowd)


def test_lines_of_one_panel_differ_in_colour(crowd):
    for draw in (curves.by_step, curves.history, curves.activity):
        for axes in axes_of(draw(crowd)):
            own = [line.get_color() for line in axes.lines if line.get_color() != GRID]
            assert len(set(own)) == len(own) <= 4


def test_a_plugin_with_many_rows_gets_several_panels():
    records = [
        record("trial", f"a hidden={n}", "native", plugin="a", history=[{"loss": 1.0}] * 2)
        for n in range(10)
    ]
    grid = axes_of(curves.history(report_rows(records)))
    assert [len(axes.lines) for axes in grid] == [4, 4, 2]


def test_accuracies_far_apart_keep_the_good_ones_apart(crowd):
    (axes,) = axes_of(dots.accuracy(crowd))
    ends = [axes.transData.transform((value, 0))[0] for value in (97, 98, 63, 64)]
    assert ends[1] - ends[0] > 3 * (ends[3] - ends[2])
    assert "logarithmic" in axes.get_xlabel()
    low, high = axes.get_xlim()
    assert all(low <= value <= high for value in axes.get_xticks())


def test_accuracies_near_each_other_or_perfect_stay_linear():
    for low in (0.9, 0.1):
        metrics = [{"test_accuracy": 1.0}, {"test_accuracy": low}]
        records = [record("trial", f"a{n}", "native", metrics=m) for n, m in enumerate(metrics)]
        (axes,) = axes_of(dots.accuracy(report_rows(records)))
        assert axes.get_xlabel() == "test accuracy, %"


def test_every_point_of_many_has_its_number(crowd):
    (axes,) = axes_of(tradeoff.tradeoff(crowd))
    assert [text.get_text() for text in axes.texts] == [str(n) for n in range(1, len(crowd) + 1)]
    (legend,) = tradeoff.tradeoff(crowd).figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[0] == f"1  {crowd[0].name}"


def test_numbers_of_distant_points_cover_nothing():
    rows = [
        record(
            "trial",
            f"plugin-{n:02}",
            "native",
            metrics={"test_accuracy": 0.5 + 0.04 * n, "synops_ac": 1e4 * 2**n, "synops_mac": 0.0},
        )
        for n in range(12)
    ]
    (axes,) = axes_of(tradeoff.tradeoff(report_rows(rows)))
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_layers_of_many_rows_share_a_line(crowd):
    drawn = dots.sparsity(crowd)
    (axes,) = drawn.figure.axes
    assert len(axes.get_yticks()) == len(crowd)
    assert {text.get_text() for text in axes.texts} == {"1", "2", "3"} & {
        str(n) for row in crowd for n in range(1, len(row.trials[0].layers) + 1)
    }
    assert "layers" in drawn.remark


def test_raster_shows_each_row_over_the_input_it_shares():
    drawn = raster.raster(report_rows(fit_records(3)))
    answers, inputs = drawn.figure.axes
    assert len(answers.get_yticks()) == 3
    # In milliseconds: seed 0's target, and the best row's output, a step later.
    assert {segment[0][0] for c in answers.collections for segment in c.get_segments()} == {
        50,
        150,
        250,
        350,
        450,
    }
    dots_of_best = next(line for line in answers.lines if line.get_marker() == "o")
    assert list(dots_of_best.get_xdata()) == [51, 151, 251, 351, 451]
    assert len(inputs.lines[0].get_xdata()) == 500
    assert inputs.get_xlabel() == "time, ms"
    assert drawn.remark == "Seed 0."


def test_raster_of_other_patterns_shows_their_own_input():
    records = fit_records(2)
    records[2:] = [records[3]]  # the second row's first seed failed
    drawn = raster.raster(report_rows(records))
    assert len(drawn.figure.axes) == 4
    assert drawn.remark == "Seed 0, 1."


def test_raster_takes_no_more_rows_than_can_be_read():
    drawn = raster.raster(report_rows(fit_records(8, outputs=10)))
    assert len(drawn.figure.axes[0].get_yticks()) == 6
    assert "first 6 of 8 rows" in drawn.remark


def test_raster_without_a_single_output_spike():
    (first, *_) = fit_records(1)
    silent = first.model_copy(update={"raster": first.raster | {"output": [[]]}})
    assert drawn([silent])["raster"].alt.endswith("0 output spikes for 5 targets")


def test_hundreds_of_epochs_are_a_thin_line_on_a_logarithmic_axis():
    (axes,) = axes_of(curves.history(report_rows(fit_records())))
    assert axes.get_yscale() == "log"
    assert "logarithmic" in axes.get_title()
    assert all(line.get_linewidth() < 1 for line in axes.lines)
    assert len(axes.collections) == 2  # a band for each row, over its seeds


def test_every_figure_has_an_alternative_that_names_its_rows(crowd):
    for figures in (drawn(crowded_records()[:4]), drawn(fit_records())):
        for picture in figures.values():
            if isinstance(picture, Picture):
                assert picture.alt.count(";") >= 1, picture.drawing.name
                assert any(character.isdigit() for character in picture.alt.partition(":")[2])


def test_a_loss_that_reaches_zero_leaves_the_axis_logarithmic():
    history = [{"loss": loss} for loss in (1.0, 0.1, 0.01, 0.0)]
    rows = report_rows([record("trial", "a", "native", history=history)])
    (axes,) = axes_of(curves.history(rows))
    assert axes.get_yscale() == "log"
    assert list(axes.lines[0].get_ydata()) == [1.0, 0.1, 0.01, 0.01]


@pytest.mark.parametrize("losses", [(-1.0, 2.0, 0.0), (0.0, 0.0), (1.0, 2.0)])
def test_other_losses_are_drawn_as_they_are(losses):
    history = [{"loss": loss} for loss in losses]
    (axes,) = axes_of(curves.history(report_rows([record("trial", "a", "n", history=history)])))
    assert axes.get_yscale() == "linear"
    assert tuple(axes.lines[0].get_ydata()) == losses
