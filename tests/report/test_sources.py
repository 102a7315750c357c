from __future__ import annotations

import pytest

from harness.report.build import build_report
from harness.report.rows import report_rows
from harness.report.sources import against_sources

from .synthetic_run import record, run_records


def trial(plugin, preset, accuracy, reported=None, seed=0, **metrics):
    known = {} if reported is None else {"reported_accuracy": reported}
    return record(
        "trial",
        f"{plugin} preset={preset}",
        "native",
        seed,
        plugin=plugin,
        preset=preset,
        metrics={"test_accuracy": accuracy, "test_size": 10_000, **known, **metrics},
    )


def lines(records):
    return against_sources(report_rows(records))


def test_a_line_holds_the_source_ours_and_our_best():
    (line,) = lines(
        [
            *(trial("a", "source", 0.93 + 0.002 * seed, 0.9378, seed) for seed in (0, 1)),
            trial("a", "best", 0.975),
            trial("b", "best", 0.99),
        ]
    )
    assert (line.plugin, line.setting) == ("a", "source")
    assert str(line.reported) == "93.8 %"
    assert str(line.ours) == "93.1 % [91.8, 94.4]"
    assert str(line.difference) == "-0.7 [-2.0, +0.6]"
    assert line.best.value == "97.5 %"


def test_settings_are_ordered_and_what_is_unknown_is_a_dash():
    found = lines(
        [
            trial("b", "source", 0.5),
            trial("a", "source-32", 0.9, 0.92),
            trial("a", "source", 0.8, 0.85),
            trial("a", "quick", 0.7),
            record("trial", "c preset=source", "native", 0, "failed", "why", preset="source"),
        ]
    )
    assert [(line.plugin, line.setting) for line in found] == [
        ("a", "source"),
        ("a", "source-32"),
        ("b", "source"),
    ]
    assert [str(found[2].reported), str(found[2].difference), str(found[0].best)] == ["\u2013"] * 3


def test_of_a_sweep_the_best_is_chosen_on_validation_data():
    swept = [
        trial("a", "best", accuracy, validation_accuracy=validation).model_copy(
            update={"label": f"a preset=best hidden={n}", "key": str(n)}
        )
        for n, (accuracy, validation) in enumerate([(0.99, 0.90), (0.97, 0.96)])
    ]
    (line,) = lines([trial("a", "source", 0.9, 0.9), *swept])
    assert line.best.value == "97.0 %"


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_the_section_is_there_where_a_source_is_known(tmp_path, name):
    build_report(tmp_path, {}, [trial("a", "source", 0.9, 0.93)])
    text = (tmp_path / name).read_text("utf-8").replace("\\", "")
    assert "Against the sources" in text
    assert "93 %" in text
    assert "-3.0" in text
    assert "reported" not in text.partition("Against the sources")[0]


def test_without_a_source_there_is_no_section(report):
    assert lines(run_records()) == []
    assert "Against the sources" not in (report / "report.html").read_text("utf-8")
    assert "Against the sources" not in (report / "report.md").read_text("utf-8")
