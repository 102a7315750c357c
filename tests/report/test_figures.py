from __future__ import annotations

from io import BytesIO

import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from harness.protocol.events import DeclaredMetric
from harness.report import curves, figures
from harness.report.content import Omitted, Picture
from harness.report.figures import LAYERS, NETWORKS, draw_figures
from harness.report.layers import layer_rows
from harness.report.pages import themed
from harness.report.rows import DARK, GRID, INK, LIGHT, MUTED, PAPER, network_rows
from harness.report.style import wrapped
from harness.results.metrics import join
from harness.results.summary import summarise

from .synthetic_run import (
    crowded_records,
    fit_records,
    layers_records,
    many_records,
    record,
    run_records,
)

DRAWINGS = {drawing.name: drawing for drawing in (*NETWORKS, *LAYERS)}


def report_rows(records):
    return network_rows(summarise(records))


def draw(name, rows):
    """The figure of those rows that it shows."""
    with figures.settings():
        return DRAWINGS[name].draw(shown(name, rows))


def shown(name, rows):
    return DRAWINGS[name].best([row for row in rows if DRAWINGS[name].has(row)])


@pytest.fixture(scope="module")
def crowd():
    return report_rows(crowded_records())


def axes_of(drawn):
    return drawn.figure.axes


def drawn(records):
    return {figure.name: figure for figure in draw_figures(report_rows(records), [])}


def test_a_figure_without_data_is_left_out_with_a_reason():
    figures = drawn([record("a", metrics={"test_accuracy": 0.5})])
    assert isinstance(figures.pop("accuracy"), Picture)
    assert all(isinstance(figure, Omitted) and figure.reason for figure in figures.values())


def test_descriptions_tell_the_numbers():
    figures = drawn([record("a", metrics={"test_accuracy": 0.5})])
    assert figures["accuracy"].alt == "Test accuracy: a 50 %"


@pytest.mark.parametrize("name", ["_private", "$x^$", r"50% \alpha^", "{x} & <y>", "\u4f60\u597d"])
def test_names_that_matplotlib_would_read_as_its_own(name):
    metrics = {"test_accuracy": 0.5, "synops_effective": 5e4}
    rows = report_rows([record(name, metrics=metrics)])
    (legend,) = draw("tradeoff", rows).figure.legends
    assert [text.get_text().strip() for text in legend.get_texts()] == [name]
    assert isinstance(drawn([record(name, metrics=metrics)])["tradeoff"], Picture)


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


def test_the_settings_have_the_colours_that_the_page_replaces():
    colours = {
        to_hex(value)
        for name, value in figures.SETTINGS.items()
        if "color" in name and value != "none"
    }
    assert colours == set(LIGHT)
    assert len(LIGHT) == len(DARK)


def test_one_epoch_and_unequal_lengths_are_drawn():
    histories = [[{"loss": 1.0}], [{"loss": 0.5}, {"loss": 0.4}, {"other": 1.0}]]
    records = [
        record("a", seed, metrics={"accuracy_by_step": [0.5] * 3}, history=history)
        for seed, history in enumerate(histories)
    ]
    figures = drawn(records)
    assert isinstance(figures["history"], Picture)
    assert isinstance(figures["steps"], Picture)


def test_activity_stands_apart_from_the_training_history():
    rows = report_rows(run_records())
    titles = [axes.get_title(loc="left")[:10] for axes in axes_of(draw("activity", rows))]
    assert titles == ["hidden1, %", "hidden2, %"]
    assert not any(
        "density" in axes.get_title(loc="left") for axes in axes_of(draw("history", rows))
    )


def test_activity_is_in_percent():
    history = [{"density_hidden1": 0.25}, {"density_hidden1": 0.5}]
    records = [record("a", history=history)]
    (axes,) = axes_of(draw("activity", report_rows(records)))
    assert list(axes.lines[0].get_ydata()) == [25, 50]
    assert drawn(records)["activity"].alt == "Activity while training: a hidden1 25 to 50 %"


def test_layers_are_counted_as_numbers():
    history = [{f"density_hidden{n}": 0.1 for n in (10, 9, 1)} | {"loss": 1.0, "a": 1.0}]
    rows = report_rows([record("a", history=history)])
    assert curves.scalars(rows, density=False) == ["loss", "a"]
    assert curves.scalars(rows, density=True) == [
        "density_hidden1",
        "density_hidden9",
        "density_hidden10",
    ]


def test_scalars_that_find_no_panel_are_named():
    history = [{f"scalar{n}": 0.1 for n in range(6)}]
    rows = report_rows([record("a", history=history)])
    assert draw("history", rows).remark == "Not drawn, but in records.jsonl: scalar4, scalar5."


def test_many_rows_get_a_panel_for_each_plugin(crowd):
    figure, remark = draw("steps", crowd)
    assert len(figure.axes) == 14
    assert "panel for each plugin" in remark
    dfa = next(a for a in figure.axes if a.get_legend().get_title().get_text() == "native-dfa")
    names = [text.get_text() for text in dfa.get_legend().get_texts()]
    assert names == ["best", "source", "source-32"]
    (faint,) = [line for line in dfa.lines if to_hex(line.get_color()) == GRID]
    assert sum(x != x for x in faint.get_xdata()) == len(crowd)  # a gap after each curve


def test_lines_of_one_panel_differ_in_colour(crowd):
    for name in ("steps", "history", "activity"):
        for axes in axes_of(draw(name, crowd)):
            own = [line.get_color() for line in axes.lines if line.get_color() != GRID]
            assert len(set(own)) == len(own) <= 4


def test_a_plugin_with_many_rows_gets_several_panels():
    records = [
        record("a", of={"swept": {"hidden": n}}, history=[{"loss": 1.0}] * 2) for n in range(10)
    ]
    grid = axes_of(draw("history", report_rows(records)))
    assert [len(axes.lines) for axes in grid] == [4, 4, 2]


def test_accuracies_far_apart_keep_the_good_ones_apart(crowd):
    (axes,) = axes_of(draw("accuracy", crowd))
    ends = [axes.transData.transform((value, 0))[0] for value in (97, 98, 63, 64)]
    assert ends[1] - ends[0] > 3 * (ends[3] - ends[2])
    assert "logarithmic" in axes.get_xlabel()
    low, high = axes.get_xlim()
    assert all(low <= value <= high for value in axes.get_xticks())


def test_accuracies_near_each_other_or_perfect_stay_linear():
    for low in (0.9, 0.1):
        metrics = [{"test_accuracy": 1.0}, {"test_accuracy": low}]
        records = [record(f"a{n}", metrics=m) for n, m in enumerate(metrics)]
        (axes,) = axes_of(draw("accuracy", report_rows(records)))
        assert axes.get_xlabel() == "test accuracy, %"


def test_every_point_of_many_has_its_number(crowd):
    (axes,) = axes_of(draw("tradeoff", crowd))
    assert [text.get_text() for text in axes.texts] == [str(n) for n in range(1, len(crowd) + 1)]
    (legend,) = draw("tradeoff", crowd).figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names[0] == f"1  {crowd[0].name}"


def test_numbers_of_distant_points_cover_nothing():
    rows = [
        record(
            f"plugin-{n:02}",
            metrics={"test_accuracy": 0.5 + 0.04 * n, "synops_effective": 1e4 * 2**n},
        )
        for n in range(12)
    ]
    (axes,) = axes_of(draw("tradeoff", report_rows(rows)))
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])


def test_layers_of_many_rows_share_a_line(crowd):
    drawn = draw("sparsity", crowd)
    (axes,) = drawn.figure.axes
    assert len(axes.get_yticks()) == len(crowd)
    assert {text.get_text() for text in axes.texts} == {"1", "2", "3"} & {
        str(n) for row in crowd for n in range(1, len(row.trials[0].layers) + 1)
    }
    assert "layers" in drawn.remark


def test_raster_shows_each_row_over_the_input_it_shares():
    drawn = draw("raster", report_rows(fit_records(3)))
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
    drawn = draw("raster", report_rows(records))
    assert len(drawn.figure.axes) == 4
    assert drawn.remark == "Seed 0, 1."


def test_raster_takes_no_more_rows_than_can_be_read():
    assert (
        len(draw("raster", report_rows(fit_records(8, outputs=10))).figure.axes[0].get_yticks())
        == 6
    )
    assert "The first 6 of 8 rows" in drawn(fit_records(8, outputs=10))["raster"].caption


def test_raster_without_a_single_output_spike():
    (first, *_) = fit_records(1)
    silent = first.model_copy(update={"raster": first.raster | {"output": [[]]}})
    assert drawn([silent])["raster"].alt.endswith("0 output spikes for 5 targets")


def test_hundreds_of_epochs_are_a_thin_line_on_a_logarithmic_axis():
    (axes,) = axes_of(draw("history", report_rows(fit_records())))
    assert axes.get_yscale() == "log"
    assert "logarithmic" in axes.get_title(loc="left")
    assert all(line.get_linewidth() < 1 for line in axes.lines)
    assert len(axes.collections) == 2  # a band for each row, over its seeds


def test_every_figure_has_an_alternative_that_names_its_rows(crowd):
    for made in (drawn(crowded_records()[:4]), drawn(fit_records())):
        for picture in made.values():
            if isinstance(picture, Picture):
                assert picture.alt.count(";") >= 1, picture.name
                assert any(character.isdigit() for character in picture.alt.partition(":")[2])


def test_a_loss_that_reaches_zero_leaves_the_axis_logarithmic():
    history = [{"loss": loss} for loss in (1.0, 0.1, 0.01, 0.0)]
    rows = report_rows([record("a", history=history)])
    (axes,) = axes_of(draw("history", rows))
    assert axes.get_yscale() == "log"
    assert list(axes.lines[0].get_ydata()) == [1.0, 0.1, 0.01, 0.01]


@pytest.mark.parametrize("losses", [(-1.0, 2.0, 0.0), (0.0, 0.0), (1.0, 2.0)])
def test_other_losses_are_drawn_as_they_are(losses):
    history = [{"loss": loss} for loss in losses]
    (axes,) = axes_of(draw("history", report_rows([record("a", history=history)])))
    assert axes.get_yscale() == "linear"
    assert tuple(axes.lines[0].get_ydata()) == losses


def test_of_many_rows_the_most_accurate_are_drawn_and_the_caption_says_so():
    rows = report_rows(many_records(60, 1))
    assert len(axes_of(draw("accuracy", rows))[0].get_yticks()) == 40
    assert min(row.value("test_accuracy") for row in shown("accuracy", rows)) >= max(
        row.value("test_accuracy") for row in rows[40:]
    )
    assert len(axes_of(draw("steps", rows))) <= 14


def test_layers_have_a_line_for_each_framework_and_the_roofline():
    figure, _ = draw("layers", layer_rows(summarise(layers_records())))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Dense inputs",
        "Spikes as inputs, 10 %",
    ]
    for axes in figure.axes:
        labels = [str(line.get_label()).strip() for line in axes.get_lines()]
        names = [label for label in labels if not label.startswith("_")]
        assert names == ["native", "norse", "snntorch", "roofline"]
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert len(figure.legends[0].get_texts()) == 4


def test_both_formats_are_drawn_at_once_and_of_one_size():
    picture = drawn(run_records())["sparsity"]
    height, width, _ = imread(BytesIO(picture.png)).shape
    assert 'viewBox="0 0 417.6 ' in picture.svg
    assert width == 928
    assert height > 400


def noisy(plugin, place=0):
    curves = {"noise": {"0": 0.9, "0.1": 0.8 - place / 100, "10": 0.2}}
    return record(plugin, metrics={"test_accuracy": 0.9}, facts={"accuracy_under": curves})


@pytest.fixture
def noise():
    fields = {"unit": "fraction", "better": "more", "meaning": "x", "source": "mine"}
    join([DeclaredMetric(name="own", title="Own", changes={"noise": "noise, s.d."}, **fields)])


def test_accuracy_under_noise_is_drawn_over_its_strength(noise):
    rows = report_rows([noisy("a"), record("b", metrics={"test_accuracy": 0.5})])
    (axes,) = axes_of(draw("strengths", rows))
    assert axes.get_xlabel() == "noise, s.d."
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [0, 0.1, 10]
    assert line.get_ydata() == pytest.approx([90, 80, 20])
    assert DRAWINGS["strengths"].tell(rows[0]) == "noise, s.d.: 90.0 to 20.0 %"


def test_noise_of_many_rows_has_a_panel_for_each_plugin(noise):
    rows = report_rows([noisy(f"p{n}", n) for n in range(12)])
    panels = axes_of(draw("strengths", rows))
    assert len(panels) == 12
    assert panels[0].get_ylabel() == "accuracy, %\nnoise, s.d."
