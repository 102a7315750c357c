from __future__ import annotations

import csv

import numpy as np
import pytest

from harness.report.build import build_report
from harness.report.closing import closing_lines
from harness.report.rows import network_rows
from harness.report.standing import by_class, classes, difference_text, places
from harness.report.terminal import terminal_tables
from harness.results.answers import Answers
from harness.results.ranking import rank
from harness.results.standings import Difference
from harness.results.summary import summarise

from .synthetic_run import description, record

LABELS = np.arange(400) % 4
ACCURACIES = {"good": 0.95, "equal": 0.95, "bad": 0.4}


@pytest.fixture
def answered():
    """The records of three plugins, and their answers; the family of all where one is given."""

    def make(seeds=(0, 1, 2), family=""):
        records, found = [], {}
        for place, (name, accuracy) in enumerate(ACCURACIES.items()):
            for seed in seeds:
                draws = np.random.default_rng([place, seed])
                wrong = draws.random(len(LABELS)) > accuracy
                found[f"{name}{seed}"] = np.where(wrong, (LABELS + 1) % 4, LABELS)
                metrics = {"test_accuracy": float(1 - wrong.mean()), "test_size": len(LABELS)}
                more = {"predictions": f"{name}{seed}", "family": family, "metrics": metrics}
                records.append(record(name, seed, **more))
        return records, {"mnist": Answers(LABELS, found)}

    return make


def table(records, answers):
    summaries = summarise(records, answers=answers)
    made = places(network_rows(summaries), rank(summaries))
    return made, [[str(cell) for cell in line] for line in made.lines]


def test_rows_that_cannot_be_told_apart_share_a_place_and_the_others_say_by_how_much(answered):
    made, lines = table(*answered())
    assert [column.title for column in made.columns] == ["Row", "Place", "Against good"]
    assert {(line[0], line[1]) for line in lines} == {("good", "1"), ("equal", "1"), ("bad", "3")}
    said = {line[0]: line[2] for line in lines}
    assert said["good"] == "the baseline"
    assert said["equal"].endswith("], a tie")
    assert said["bad"].startswith("-5")
    assert said["bad"].endswith("], worse")


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_a_row_may_share_the_baselines_place_and_be_worse_and_the_note_says_why(seeds):
    """Six pairs of rows are corrected by more than the three comparisons with the baseline."""
    records, found = [], {}
    for place, name in enumerate(("best", "first", "second", "third")):
        for seed in seeds:
            wrong = (np.arange(400) // 7 == place) & (name != "best")
            found[f"{name}{seed}"] = np.where(wrong, (LABELS + 1) % 4, LABELS)
            metrics = {"test_accuracy": float(1 - wrong.mean()), "test_size": len(LABELS)}
            records.append(record(name, seed, predictions=f"{name}{seed}", metrics=metrics))
    made, lines = table(records, {"mnist": Answers(LABELS, found)})
    assert {line[1] for line in lines} == {"1"}
    assert [line[2].rpartition(", ")[2] for line in lines[1:]] == ["worse"] * 3
    assert "may share" in made.note
    assert "still be better or worse" in made.note


def test_one_seed_says_that_networks_are_compared_and_not_methods(answered):
    assert "not the methods" in table(*answered(seeds=(0,)))[0].note
    assert "not the methods" not in table(*answered())[0].note


def test_a_family_has_a_column_of_its_own(answered):
    made, lines = table(*answered(family="bptt"))
    assert made.columns[-1].title == "The same network, on another framework"
    said = {line[0]: line[-1] for line in lines}
    assert said["good"] == "\u2013"
    assert said["bad"].endswith("worse than good")
    assert said["equal"].endswith("a tie with good")


def test_what_was_not_compared_is_a_dash():
    assert difference_text(None) == "\u2013"
    alone = Difference(0.01, None, None, 1, 1, "tie", "no common seed")
    assert difference_text(alone) == "+1.00 points, a tie"


def test_each_class_has_its_accuracy_and_its_confusions(answered, tmp_path):
    records, answers = answered()
    found = by_class(network_rows(summarise(records, answers=answers)), answers["mnist"])
    made = classes(found)
    assert [column.title for column in made.columns][1:] == [f"Class {n}" for n in range(4)]
    assert len(made.lines) == 3
    named = classes(found, ["cat", "dog"]).columns[1:]
    assert [column.title for column in named] == ["cat", "dog", "Class 2", "Class 3"]
    assert named[1].help == "class 1, 100 test samples"
    build_report(tmp_path, description(), records, answers=answers, figures=False)
    with (tmp_path / "confusion.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 4 * 4
    assert sum(int(line["count"]) for line in lines if line["row"] == "bad") == 3 * 400
    right = {line["true"]: int(line["count"]) for line in lines if line["row"] == "good"
             and line["true"] == line["predicted"]}  # fmt: skip
    assert all(250 < count <= 300 for count in right.values())


def test_the_terminal_shows_places_and_the_closing_words_say_who_ties(answered):
    records, answers = answered()
    (made,) = terminal_tables(description(), records, 120, answers)
    assert [column.header for column in made.columns][:3] == ["Row", "Test accuracy", "Place"]
    (line, *_) = closing_lines(records, answers=answers)
    assert line.startswith("Highest test accuracy: ")
    assert " Not to be told from it, all pairs of rows compared: " in line
    assert "bad" not in line


def test_the_report_explains_the_interval_by_what_it_covers(answered, tmp_path):
    for seeds, words in (((0, 1), "over samples together"), ((0,), "the test samples alone")):
        records, answers = answered(seeds=seeds)
        build_report(tmp_path, description(), records, answers=answers, figures=False)
        assert words in (tmp_path / "report.md").read_text()


def test_of_too_many_classes_nothing_is_counted(answered):
    records, answers = answered(seeds=(0,))
    few = answers["mnist"]
    many = Answers(few.labels, {name: found * 1000 for name, found in few.classes.items()})
    rows = network_rows(summarise(records, answers={"mnist": many}))
    assert by_class(rows, few)
    assert by_class(rows, many) == {}
