from __future__ import annotations

import pytest

from harness.report.build import build_report
from harness.report.rows import network_rows
from harness.report.sources import against_sources, citations, published
from harness.results.record import Cited
from harness.results.session import Session
from harness.results.summary import summarise

from .synthetic_run import description, record, run_records


def trial(plugin, preset, accuracy, reported=None, seed=0, swept=None, departures=(), **metrics):
    known = {} if reported is None else {"reported_accuracy": reported}
    source = Cited(title="Spikes", authors="Doe", year=2020, departures=departures, where="table 1")
    return record(
        plugin,
        seed,
        of={"preset": preset, "swept": swept or {}},
        source=source if preset.startswith("source") else None,
        metrics={"test_accuracy": accuracy, "test_size": 10_000, **known, **metrics},
    )


def lines(records):
    table = against_sources(network_rows(summarise(records)))
    return [] if table is None else [[str(cell) for cell in line] for line in table.lines]


def test_a_line_holds_the_source_ours_and_our_best():
    (line,) = lines(
        [
            *(trial("a", "source", 0.93 + 0.002 * seed, 0.9378, seed) for seed in (0, 1)),
            trial("a", "best", 0.975),
            trial("b", "best", 0.99),
        ]
    )
    assert line == [
        "a",
        "source",
        "93.8 %",
        "93.1 % [91.8, 94.4]",
        "-0.7 [-2.0, +0.6]",
        "[90.9, 95.3] holds the source's",
        "97.5 % [97.2, 97.8]",
    ]


def test_settings_are_ordered_and_what_is_unknown_is_a_dash():
    found = lines(
        [
            trial("b", "source", 0.5),
            trial("a", "source-32", 0.9, 0.92),
            trial("a", "source", 0.8, 0.85),
            trial("a", "quick", 0.7),
            record("c", 0, "failed", "why", {"preset": "source"}),
        ]
    )
    assert [line[:2] for line in found] == [
        ["a", "source"],
        ["a", "source-32"],
        ["b", "source"],
    ]
    assert [found[2][2], found[2][4], found[0][6]] == ["\u2013"] * 3


def test_of_a_sweep_the_best_is_chosen_on_validation_data():
    swept = [
        trial("a", "best", accuracy, swept={"hidden": n}, validation_accuracy=validation)
        for n, (accuracy, validation) in enumerate([(0.99, 0.90), (0.97, 0.96)])
    ]
    (line,) = lines([trial("a", "source", 0.9, 0.9), *swept])
    assert line[6].startswith("97.0 %")


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_the_section_is_there_where_a_source_is_known(tmp_path, name):
    build_report(tmp_path, description(), [trial("a", "source", 0.9, 0.93)])
    text = (tmp_path / name).read_text("utf-8").replace("\\", "")
    assert "Against the sources" in text
    assert "93 %" in text
    assert "-3.0" in text
    assert "reported" not in text.partition("Against the sources")[0]


def test_a_sweep_at_a_sources_setting_names_what_it_changes():
    (line,) = lines([trial("a", "source", 0.9, 0.93, swept={"hidden": 32})])
    assert line[1] == "source hidden=32"


def test_without_a_source_there_is_no_section(report):
    assert lines(run_records()) == []
    assert "Against the sources" not in (report / "report.html").read_text("utf-8")
    assert "Against the sources" not in (report / "report.md").read_text("utf-8")


def test_a_setting_that_departs_is_another_one_and_has_no_difference():
    departures = ("the batch is larger", "the input is smaller")
    (line,) = lines([trial("a", "source", 0.9, 0.93, departures=departures)])
    assert line[2] == "93 %"
    assert line[4] == "\u2013 2 departures"


def test_every_source_is_cited_with_all_that_is_done_otherwise():
    rows = network_rows(
        summarise(
            [
                trial("a", "source", 0.9, 0.93, swept={"hidden": 32}),
                trial("a", "source", 0.9, 0.93, swept={"hidden": 64}),
                trial("b", "source", 0.9, departures=("the batch is larger",)),
                trial("b", "quick", 0.9),
            ]
        )
    )
    a, b = citations(rows)
    assert (a.title, b.title) == ("a", "b")
    assert a.pairs == [
        ("Source", 'Doe 2020, "Spikes"'),
        ("Settings", "source hidden=32 (table 1); source hidden=64 (table 1)"),
    ]
    assert b.pairs[-1] == ("Otherwise", "the batch is larger")


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_citations_stand_in_both_reports(tmp_path, name):
    departures = ("the batch is larger",)
    build_report(tmp_path, description(), [trial("a", "source", 0.9, departures=departures)])
    text = (tmp_path / name).read_text("utf-8")
    assert "the batch is larger" in text
    assert "Doe 2020" in text


def told(data):
    table = published([Session(), Session(data=data)], "made-up")
    return [[str(cell) for cell in line] for line in table.lines] if table else None


FIGURES = [{"method": "exact gradients", "accuracy": 0.981, "source": "Doe 2020"}]


@pytest.mark.parametrize(
    "data", [{"published": FIGURES}, {"made-up": {"digest": "x", "published": FIGURES}}]
)
def test_what_others_report_for_the_task_stands_beside(data):
    assert told(data) == [["exact gradients", "98.1 %", "Doe 2020"]]


@pytest.mark.parametrize(
    "wrong", [[], "98", [5], [{"method": "x"}], [{"accuracy": 98.1}], {"accuracy": 0.9}]
)
def test_without_figures_that_can_be_there_is_no_table(wrong):
    assert told({"published": wrong}) is None
