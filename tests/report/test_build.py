from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

from harness.report import figures
from harness.report.build import build_report
from harness.report.environment import warnings
from harness.results.record import to_line

from .synthetic_run import (
    PEAKS,
    description,
    fit_records,
    layers_description,
    layers_records,
    many_records,
    record,
    run_records,
    session,
    timing,
)

FIGURES = {
    drawing.name
    for drawing in figures.NETWORKS
    if drawing.words["kind"] != figures.FIT and drawing.words["missed"]
}


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
    written = build_report(tmp_path, description(), run_records(), ["line 12: no valid JSON"])
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
    scripts = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    assert scripts == ["application/json", None]
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


def test_code_in_a_text_is_code_in_both_reports(tmp_path):
    """That of a metric's meaning; a name with a backtick or a pipe in it stays text."""
    records = run_records()
    odd = records[0].row.model_copy(update={"params": {"a`b": "`<b>`", "c": "`d|e`"}})
    records[0] = records[0].model_copy(update={"row": odd})
    build_report(tmp_path, description(), records, figures=False)
    text, page = read(tmp_path, "report.md"), read(tmp_path, "report.html")
    assert "end of `harness_finish_training`; beside other trials where `jobs` &gt; 1" in text
    assert "end of <code>harness_finish_training</code>; beside" in page
    assert "a\\`b = \\`&lt;b&gt;\\`, c = \\`d\\|e\\`" in text
    assert "<dd>`&lt;b&gt;`</dd>" in page


def test_hostile_names_leave_figures_whole(hostile_report):
    for name in FIGURES:
        root = ElementTree.parse(hostile_report / "figures" / f"{name}.svg").getroot()
        assert root.tag.endswith("svg")
        assert not any(element.tag.endswith("script") for element in root.iter())


def test_a_run_that_fits_spike_trains_is_told_and_rebuilt_to_the_byte(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        build_report(tmp_path / name, description(), fit_records())
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
    records = [record("a-plugin", 0, status, "the reason why")]
    build_report(tmp_path, description(), records, [])
    page = Tags(read(tmp_path, "report.html"))
    for words in ("No trial finished", "a-plugin", status, "the reason why"):
        assert words in page.words
        assert words in read(tmp_path, "report.md").replace("\\", "")
    assert not any(tag == "img" for tag, _ in page.tags)


def test_an_empty_run_has_a_page(tmp_path):
    build_report(tmp_path, description(), [], ["line 1: no JSON object"])
    assert "line 1: no JSON object" in read(tmp_path, "report.html")
    assert "no records" in read(tmp_path, "report.md")


def test_figures_without_data_any_more_are_removed(tmp_path):
    metrics = {"test_accuracy": 0.9, "test_size": 360}
    build_report(tmp_path, description(), [record("a", metrics=metrics)])
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "accuracy.svg",
        "accuracy.png",
    }
    build_report(tmp_path, description(), [record("a", status="oom")])
    assert not list((tmp_path / "figures").iterdir())


def test_trials_in_parallel_are_named(tmp_path):
    metrics = {"test_accuracy": 0.9, "train_seconds": 3.0}
    trials = [record(name, metrics=metrics, jobs=4) for name in "abcd"]
    build_report(tmp_path, description(), trials)
    page = read(tmp_path, "report.html")
    assert "Up to 4 trials ran at once" in page
    assert "One seed only" in page


@pytest.mark.parametrize(("load", "busy"), [(0.2, False), (1.4, True), (None, False)])
def test_a_machine_that_was_busy_while_timing_is_named(load, busy):
    timed = [timing("ann-relu", np.random.default_rng(0)).model_copy(update={"session": 1})]
    sessions = [session(load_average=9.0), session(load_average=load)]
    found = warnings(sessions, timed)
    assert any("(load 1.4 on 2 cores)" in warning for warning in found) == busy
    assert not busy or any("of session 2" in warning for warning in found)


@pytest.mark.parametrize(
    ("cores", "steal", "told"), [(0.1, 0.0, False), (0.6, 0.0, True), (0, 0.3, True)]
)
def test_what_other_programs_used_while_timing_counts_and_not_the_load_before(cores, steal, told):
    timed = timing("ann-relu", np.random.default_rng(0))
    facts = {"others": {"cores": cores, "steal": steal, "of": 2.0}}
    found = warnings(
        [session(load_average=9.0)], [timed, PEAKS.model_copy(update={"facts": facts})]
    )
    assert any(f"other programs used {cores:.2g} of 2 cores" in each for each in found) == told
    assert not any("load" in warning for warning in found)


# --- tables first, then figures -------------------------------------------------------------------


def test_a_figure_that_fails_costs_only_itself(tmp_path, monkeypatch):
    def broken(rows):
        raise ZeroDivisionError("by <nothing>")

    names = [drawing.name for drawing in figures.NETWORKS]
    changed = list(figures.NETWORKS)
    place = names.index("latency")
    changed[place] = dataclasses.replace(changed[place], draw=broken)
    monkeypatch.setattr(figures, "NETWORKS", tuple(changed))
    build_report(tmp_path, description(), run_records())
    drawn = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert drawn == FIGURES - {"latency"}
    why = "Latency of one sample (it could not be drawn: ZeroDivisionError: by <nothing>)"
    assert why in Tags(read(tmp_path, "report.html")).words
    assert "ZeroDivisionError" in read(tmp_path, "report.md")


def test_an_interrupt_while_drawing_leaves_the_tables(tmp_path, monkeypatch):
    def interrupted(*rows):
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.report.figures.draw_figures", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_report(tmp_path, description(), run_records())
    assert "98.1 %" in read(tmp_path, "report.html")
    assert "98.1 %" in read(tmp_path, "report.md")
    assert "ann-relu" in read(tmp_path, "summary.csv")
    assert "Figures are drawn after the tables" in read(tmp_path, "report.md")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_report_without_figures_says_so_and_removes_earlier_ones(tmp_path):
    records = [record("a", metrics={"test_accuracy": 0.9})]
    build_report(tmp_path, description(), records)
    assert list((tmp_path / "figures").iterdir())
    written = build_report(tmp_path, description(), records, figures=False)
    assert [path.name for path in written] == ["summary.csv", "report.md", "report.html"]
    assert not list((tmp_path / "figures").iterdir())
    assert "made without figures" in read(tmp_path, "report.html")


def test_the_backend_of_pyplot_does_not_matter(tmp_path):
    code = (
        "import pathlib, sys\n"
        "from harness.report.build import build_report\n"
        "from harness.results.record import from_line\n"
        "from harness.results.store import Description\n"
        "record = from_line(sys.argv[2])\n"
        "build_report(pathlib.Path(sys.argv[1]), Description(kind='networks'), [record])\n"
    )
    line = to_line(record("a", metrics={"test_accuracy": 0.9}))
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, "-c", code, tmp_path, line]
    subprocess.run(command, check=True, env={**os.environ, **backend})
    assert (tmp_path / "figures" / "accuracy.png").read_bytes().startswith(b"\x89PNG")


def test_of_many_rows_all_are_in_the_tables_and_the_best_in_the_figures(tmp_path):
    build_report(tmp_path, description(), many_records(60, 2))
    page = Tags(read(tmp_path, "report.html"))
    links = [attrs.get("href") or "" for tag, attrs in page.tags if tag == "a"]
    assert sum(link.startswith("#row-") for link in links) == 60
    assert len(read(tmp_path, "summary.csv").splitlines()) == 61
    assert "The 40 most accurate of 60 rows." in page.words
    assert "The 14 most accurate of 60 rows." in page.words


# --- sessions and kinds ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["report.md", "report.html"])
def test_records_of_another_session_are_visible(tmp_path, name):
    environment = session().environment | {"cpu": "Another CPU", "commit": "ffff0000aaaa"}
    second = session(command="harness run --resume x", load_average=3.4, environment=environment)
    records = [
        r.model_copy(update={"session": 1}) if r.kind != "trial" else r for r in run_records()
    ]
    build_report(tmp_path, description(session(), second), records, figures=False)
    text = read(tmp_path, name).replace("\\", "")
    assert "The timings were taken in session 2 (Another CPU" in text
    assert "load at the start 3.4, commit ffff0000aa (changed)" in text
    assert (
        "When the command of session 2 began, other programs were running (load 3.4 on 2 cores)"
        in text
    )
    assert "timed in 2" in text
    assert "harness run --resume x" in text
    assert text.count("Intel(R) Xeon(R)") < text.count("Another CPU")


def test_rows_of_other_runs_are_named(tmp_path):
    build_report(tmp_path, description(), run_records(), beside=["results/old"], figures=False)
    assert "rows of results/old were taken over without their timings" in read(
        tmp_path, "report.html"
    )


def test_layers_have_the_same_pages(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        build_report(tmp_path / name, layers_description(), layers_records())
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert {path.name for path in (tmp_path / "a" / "figures").iterdir()} == {
        "layers.png",
        "layers.svg",
    }
    page = read(tmp_path / "a", "report.html")
    text = read(tmp_path / "a", "report.md").replace("\\", "")
    for words in (
        "One layer, in every framework",
        "The same neuron?",
        "Speed: dense inputs",
        "Speed: spikes as inputs, 10 %",
        "2.4 times [2.28, 2.54], slower",
        "of native at the same size",
        "roofline",
        "900 spikes were compared; for 63 of them",
        "100 GFLOP/s and 10 GB/s at most",
        "512, 2048, 8192 neurons with dense inputs",
        "harness layers --neurons 512,2048,8192",
    ):
        assert words in page, words
        assert words in text, words
    assert "no leak, no &lt;neuron&gt;" in page
    assert "<neuron>" not in page
    rows = list(csv.DictReader(io.StringIO(read(tmp_path / "a", "summary.csv"))))
    assert rows[0]["neurons"] == "512"
    assert rows[1]["versus.total.verdict"] == "slower"


def test_layers_without_a_measurement_have_a_page_without_a_figure(tmp_path):
    records = [r for r in layers_records() if r.kind == "layer-proof"]
    build_report(tmp_path, layers_description(), records)
    assert "The same neuron?" in read(tmp_path, "report.html")
    assert not list((tmp_path / "figures").iterdir())
