"""A run of several tasks: each is compared on its own, in a section of one report."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from harness.errors import UsageError
from harness.report.build import build_report
from harness.report.closing import closing_lines
from harness.report.index import entry
from harness.report.notebook import short_table
from harness.report.terminal import terminal_tables
from harness.results.answers import Answers
from harness.results.summary import summarise
from harness.runs.run import load
from tests.fixtures.small_runs import small_row, small_session, write_run, write_tasks

from .synthetic_run import description, record

LABELS = np.arange(400) % 4
#: On the second task, the order of the plugins is the other way round.
ACCURACIES = {"mnist": {"good": 0.95, "bad": 0.4}, "odd\u202e <task>": {"good": 0.5, "bad": 0.9}}


@pytest.fixture(scope="module")
def two_tasks():
    """The records of two plugins on two tasks, and their answers."""
    records, answers = [], {}
    for place, (task, accuracies) in enumerate(ACCURACIES.items()):
        found = {}
        for plugin, accuracy in accuracies.items():
            for seed in (0, 1, 2):
                draws = np.random.default_rng([place, seed, len(plugin)])
                wrong = draws.random(len(LABELS)) > accuracy
                digest = f"{plugin}{seed}"
                found[digest] = np.where(wrong, (LABELS + 1) % 4, LABELS)
                metrics = {"test_accuracy": float(1 - wrong.mean()), "test_size": len(LABELS)}
                records.append(
                    record(plugin, seed, metrics=metrics, predictions=digest, of={"task": task})
                )
        answers[task] = Answers(LABELS, found)
    return records, answers


@pytest.fixture(scope="module")
def report(two_tasks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    records, answers = two_tasks
    build_report(folder, description(), records, answers=answers)
    return folder


class Ids(HTMLParser):
    """The ids of a page, what its links lead to, and its blocks of data."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.data, self._data = [], [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self._data = found.get("type") == "application/json"

    def handle_endtag(self, tag):
        self._data = False

    def handle_data(self, data):
        if self._data:
            self.data.append(json.loads(data))


def test_each_task_has_a_section_in_which_its_rows_are_ranked(report):
    text = (report / "report.md").read_text()
    titles = re.findall("^(#+ .*)$", text, re.MULTILINE)
    assert titles[1] == "## Task mnist"
    assert titles[2:5] == ["### Results", "### More or less accurate", "### Accuracy by class"]
    _, first, second = re.split("^## Task .*$", text, flags=re.MULTILINE)
    for section, order in ((first, ["good", "bad"]), (second, ["bad", "good"])):
        assert re.findall(r"^\| (good|bad) (?:place 1 )?\| \d", section, re.MULTILINE)[:2] == order
    assert "task=" not in first + second.partition("## ")[0]


def test_the_page_has_one_place_for_each_link_and_the_data_of_each_task(report):
    page = (report / "report.html").read_text()
    found = Ids(page)
    assert len(found.ids) == len(set(found.ids))
    places = {link[1:] for link in found.links if link.startswith("#")}
    assert places <= set(found.ids)
    assert [[row["name"] for row in data["rows"]] for data in found.data] == [
        ["good", "bad"],
        ["bad", "good"],
    ]
    assert page.count("Most accurate") == 2
    assert "within(task)" in page
    assert "<task>" not in page


def test_tables_are_of_all_tasks_and_figures_of_each(report):
    with (report / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows][:2] == ["good task=mnist", "bad task=mnist"]
    with (report / "confusion.csv").open() as file:
        assert len({line["row"] for line in csv.DictReader(file)}) == 4
    names = {path.name for path in (report / "figures").glob("accuracy*.svg")}
    assert "accuracy-mnist.svg" in names
    assert len(names) == 2
    shown = re.findall(r"\(figures/(accuracy[^)]*)\)", (report / "report.md").read_text())
    assert {name.replace("\\", "") for name in shown} == {
        name.replace(".svg", ".png") for name in names
    }


def test_figures_of_tasks_that_are_gone_are_removed(two_tasks, tmp_path):
    records, answers = two_tasks
    build_report(tmp_path, description(), records, answers=answers)
    build_report(tmp_path, description(), records[:6], answers=answers)
    assert not list((tmp_path / "figures").glob("*-*"))
    assert (tmp_path / "figures" / "accuracy.svg").exists()


def test_the_terminal_has_a_table_a_task_and_every_line_says_which(two_tasks):
    records, answers = two_tasks
    tables = list(terminal_tables(description(), records, 80, answers))
    assert [table.title for table in tables] == ["mnist", "odd\\u202e <task>"]
    assert [next(iter(table.columns[2].cells)).plain for table in tables] == ["1", "1"]
    lines = closing_lines(records, answers=answers)
    assert [line.partition(",")[0] for line in lines] == [
        "mnist: Highest test accuracy: good",
        "odd\\u202e <task>: Highest test accuracy: bad",
    ]


def test_a_notebook_and_the_page_of_a_folder_tell_of_each_task(two_tasks, tmp_path):
    records, answers = two_tasks
    table = short_table(summarise(records, answers=answers))
    assert list(table["Place"]) == ["1", "2", "1", "2"]
    assert table["Row"][0] == "good task=mnist"
    found = entry(tmp_path, description(), records, answers)
    assert found.sentence.startswith("mnist: Most accurate: good, 9")
    assert found.sentence.count("Most accurate") == 2


def test_each_task_has_a_baseline_of_its_own(tmp_path):
    run = load(write_tasks(tmp_path / "run", slower={"wide": 3.0}).path)
    run.report(baseline="wide", figures=False)
    text = (run.path / "report.md").read_text()
    assert text.count("### Faster or slower") == 2
    assert text.count("Against wide |") == 2
    assert text.count(", faster |") == 6


def test_a_figure_in_python_is_of_one_task(tmp_path):
    run = load(write_tasks(tmp_path / "run").path)
    assert run.plot("accuracy", "two")
    with pytest.raises(UsageError, match="unknown task '' of the figure: known: one, two"):
        run.plot("accuracy")


def test_a_run_on_another_task_that_stands_beside_has_its_section_and_its_samples(tmp_path):
    fields = {"rows": ("deep", "wide"), "timing": False, "accuracy": {"wide": 0.5}}
    one, two = (
        load(write_run(tmp_path / task, labels=place, task=task, **fields).path)
        for place, task in enumerate(("one", "two"))
    )
    one.report(beside=[two], figures=False)
    text = (one.path / "report.md").read_text()
    assert re.findall("^## Task (.*)$", text, re.MULTILINE) == ["one", "two"]
    assert text.count("### More or less accurate") == 2
    assert text.count(", worse |") == 2


def test_a_run_that_was_resumed_has_no_trials_left_because_of_one_beside_it(tmp_path):
    session = small_session(plugins={"deep": {}}, config={"task": "made-up", "seeds": [0, 1]})
    folder = write_run(tmp_path / "one", ["deep"], seeds=(0, 1), timing=False, session=session)
    folder.begin(session)
    row = small_row("deep", params={"hidden": 64})
    other = write_run(tmp_path / "two", [row], seeds=(2,), timing=False).path
    load(folder.path).report(beside=[load(other)], figures=False)
    assert "3 of 3 trials finished" in (folder.path / "report.md").read_text()


@pytest.mark.parametrize("swept_here", [False, True])
def test_a_value_that_was_swept_in_one_run_and_set_alone_in_another_is_one_row(
    tmp_path, swept_here
):
    def rows(hidden, swept):
        each = [{"hidden": value} for value in hidden]
        return [small_row("deep", params=p, swept=p if swept else {}) for p in each]

    here, there = ((32, 64), (64,)) if swept_here else ((64,), (32, 64))
    fields = {"timing": False}
    one = write_run(tmp_path / "one", rows(here, swept_here), seeds=(0, 1), **fields)
    two = write_run(tmp_path / "two", rows(there, not swept_here), seeds=(1, 2), draw=1, **fields)
    load(one.path).report(beside=[load(two.path)], figures=False)
    with (one.path / "summary.csv").open() as file:
        lines = {line["label"]: line for line in csv.DictReader(file)}
    assert lines.keys() == {"deep hidden=32", "deep hidden=64"}
    assert lines["deep hidden=64"]["seeds"] == "3"
    own = [
        r.metrics["test_accuracy"] for r in load(one.path).records if r.row.params["hidden"] == 64
    ]
    theirs = [r.metrics["test_accuracy"] for r in load(two.path).records if r.seed == 2][-1]
    mean = sum([*own, theirs]) / 3  # of the trial that both have, this run's counts
    assert float(lines["deep hidden=64"]["test_accuracy"]) == pytest.approx(mean)
