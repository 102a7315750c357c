from __future__ import annotations

import csv
import hashlib
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from harness.report.build import build_report
from harness.report.figures import DRAWINGS, FIT
from harness.report.words import warnings

from .synthetic_run import fit_records, record, run_facts, run_records

FIGURES = {drawing.name for drawing in DRAWINGS if drawing.kind != FIT}


class Tags(HTMLParser):
    """The tags of a page and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


def read(folder, name):
    return (folder / name).read_text("utf-8")


def digests(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_writes_every_file_and_leaves_no_other(report):
    names = {str(path) for path in digests(report)}
    figures = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    assert names == figures | {"summary.csv", "report.md", "report.html"}


def test_same_records_make_the_same_bytes(report, tmp_path):
    written = build_report(tmp_path, run_facts(), run_records(), ["line 12: no valid JSON"])
    assert digests(tmp_path) == digests(report)
    assert {path.relative_to(tmp_path) for path in written} == set(digests(report))


def test_page_asks_the_network_for_nothing(report):
    page = Tags(read(report, "report.html"))
    sources = [v for _, attrs in page.tags for k, v in attrs.items() if k in {"src", "href"}]
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "url(" not in read(report, "report.html")
    assert not any(tag in {"link", "iframe", "object"} for tag, _ in page.tags)


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_report_tells_all(report, name):
    text = read(report, name).replace("\\", "")
    for words in (
        "harness run --plugins all --task mnist --seeds 0,1,2",
        "mat1 and mat2 shapes cannot be multiplied",
        "sinabs is not installed",
        "logs/norse-superspike seed=2.log",
        "line 12: no valid JSON",
        "Platinum 8481C",
        "sha256:9e3c1f0b6d",
        "uncommitted changes",
        "95 % interval",
        "test set of 10000 samples",
        "encoding included",
        "with 2 CPU threads",
        "NeuroBench",
        "never 0",
        "98.1 % [97.9, 98.3]" if name.endswith("md") else "98.1 %",
    ):
        assert words in text, words


def test_csv_holds_absent_metrics_as_empty_cells(report):
    rows = {row["label"]: row for row in csv.DictReader(io.StringIO(read(report, "summary.csv")))}
    assert rows["norse-superspike"]["test_accuracy"] == ""
    assert rows["ann-relu"]["spikes_per_sample"] == ""
    assert rows["native-dfa"]["synops_mac"] == "0.0"
    assert rows["native-dfa"]["test_accuracy_interval"] == "t over 3 seeds"
    assert "device_memory_bytes" not in rows["native-dfa"]


def test_hostile_names_are_text_in_the_page(hostile_report, report):
    page = Tags(read(hostile_report, "report.html"))
    assert "<script>alert(1)</script>" in page.words
    assert [tag for tag, _ in page.tags].count("script") == 1
    # No more kinds of attributes than a harmless run's page has.
    kinds = {(tag, name) for tag, attrs in page.tags for name in attrs}
    harmless = Tags(read(report, "report.html"))
    assert kinds <= {(tag, name) for tag, attrs in harmless.tags for name in attrs}


def test_hostile_names_are_text_in_markdown_and_csv(hostile_report):
    text = read(hostile_report, "report.md")
    outside_code = re.sub(r"^(`{3,})\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside_code
    tables = [line for line in text.splitlines() if line.startswith("|")]
    bars = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    headers = [n for n, line in zip(bars, tables[1:], strict=False) if line.startswith("| ---")]
    assert set(bars) == set(headers)
    cells = [
        cell
        for line in csv.reader(io.StringIO(read(hostile_report, "summary.csv")))
        for cell in line
    ]
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)
    assert all(cell.isprintable() for cell in cells)


def test_hostile_names_leave_figures_whole(hostile_report):
    for name in FIGURES:
        root = ElementTree.parse(hostile_report / "figures" / f"{name}.svg").getroot()
        assert root.tag.endswith("svg")
        assert not any(element.tag.endswith("script") for element in root.iter())


def test_a_run_that_fits_spike_trains_is_told_and_rebuilt_to_the_byte(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        build_report(tmp_path / name, run_facts(), fit_records())
    assert digests(tmp_path / "one") == digests(tmp_path / "other")
    names = {path.stem for path in (tmp_path / "one" / "figures").iterdir()}
    assert names == {"fit", "raster", "sparsity", "history", "activity"}
    page = Tags(read(tmp_path / "one", "report.html"))
    for words in ("Van Rossum loss", "Spikes on time", "Extra spikes", "100 %", "at most 2 ms"):
        assert words in page.words, words
    sorted_by = [attrs for tag, attrs in page.tags if tag == "th" and "aria-sort" in attrs]
    assert [attrs["aria-sort"] for attrs in sorted_by] == ["ascending"]
    # Figures of the other kind of task are not missed.
    assert "Accuracy by time step (" not in page.words
    assert "Throughput (no row" in page.words
    assert "| 0.0" in read(tmp_path / "one", "report.md")


@pytest.mark.parametrize("status", ["skipped", "failed", "timeout", "oom", "crashed", "invalid"])
def test_a_run_without_results_still_has_a_page(tmp_path, status):
    records = [record("trial", "a-plugin", "native", 0, status, "the reason why")]
    build_report(tmp_path, {}, records, [])
    page = Tags(read(tmp_path, "report.html"))
    for words in ("No trial finished", "a-plugin", status, "the reason why"):
        assert words in page.words
        assert words in read(tmp_path, "report.md").replace("\\", "")
    assert not any(tag == "img" for tag, _ in page.tags)


def test_an_empty_run_has_a_page(tmp_path):
    build_report(tmp_path, {}, [], ["line 1: no JSON object"])
    assert "line 1: no JSON object" in read(tmp_path, "report.html")
    assert "no records" in read(tmp_path, "report.md")


def test_figures_without_data_any_more_are_removed(tmp_path):
    metrics = {"test_accuracy": 0.9, "test_size": 360}
    build_report(tmp_path, {}, [record("trial", "a", "native", metrics=metrics)])
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "accuracy.svg",
        "accuracy.png",
    }
    build_report(tmp_path, {}, [record("trial", "a", "native", status="oom")])
    assert not list((tmp_path / "figures").iterdir())


def test_trials_in_parallel_are_named(tmp_path):
    metrics = {"test_accuracy": 0.9, "train_seconds": 3.0}
    build_report(tmp_path, {}, [record("trial", "a", "native", metrics=metrics, jobs=4)])
    page = read(tmp_path, "report.html")
    assert "Up to 4 trials ran at once" in page
    assert "One seed only" in page


@pytest.mark.parametrize(("load", "busy"), [(0.2, False), (1.4, True), (None, False), ([9], False)])
def test_a_busy_machine_is_named(load, busy):
    run = {"environment": {"load_average": load, "cores": 2}}
    assert any("busy" in warning for warning in warnings(run, [])) == busy
