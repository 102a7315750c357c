"""harness compare, history and merge, in this process, on small runs."""

from __future__ import annotations

import json
import re

import pytest

from tests.fixtures.small_runs import small_row, write_run


@pytest.fixture
def runs(tmp_path):
    old = write_run(tmp_path / "runs/old").path
    new = write_run(tmp_path / "runs/new", draw=1, accuracy={"deep": 0.9}).path
    return old, new


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 0),
        (["--fail-on", "test_accuracy:worse"], 1),
        (["--fail-on", "test_accuracy:worse", "--margin", "10 %"], 0),
        (["--fail-on", "latency_ms:worse"], 0),
        (["--fail-on", "van_rossum_loss:worse"], 3),
        (["--timings", "none", "--fail-on", "latency_ms:worse"], 3),
    ],
)
def test_exit_codes(harness, runs, words, code):
    found, out, err = harness("compare", *runs, *words)
    assert found == code
    assert "| deep | Test accuracy |" in out
    assert "| wide |" not in out
    assert ("not accepted: deep: test_accuracy is worse" in err) == (code == 1)


def test_a_gated_row_that_is_another_one_now_fails(harness, tmp_path):
    """A changed default makes another row: the plugin that changed would not be compared at all."""
    for name, hidden in (("old", 32), ("new", 64)):
        rows = ["same", small_row("ada", params={"hidden": hidden})]
        write_run(tmp_path / name, rows, timing=False)
    gate = ["--fail-on", "test_accuracy:worse"]
    code, _, err = harness("compare", tmp_path / "old", tmp_path / "new", *gate)
    assert code == 1
    assert err.splitlines() == [
        "harness: not judged: ada hidden=64: only in the new run",
        "harness: not accepted: ada hidden=32: only in the old run, so it cannot be judged",
    ]
    assert harness("compare", tmp_path / "old", tmp_path / "new")[0] == 0


def test_a_gate_without_anything_to_judge_is_named(harness, tmp_path):
    for name in ("old", "new"):
        write_run(tmp_path / name, timing=False)
    gates = ["--fail-on", "test_accuracy:worse", "--fail-on", "latency_ms:worse"]
    code, _, err = harness("compare", tmp_path / "old", tmp_path / "new", *gates)
    assert (code, err) == (3, "harness: no row could be judged by latency_ms\n")


def test_a_gated_metric_that_the_new_run_does_not_have_fails(harness, tmp_path):
    write_run(tmp_path / "old")
    write_run(tmp_path / "new", timing=False)
    words = ["compare", tmp_path / "old", tmp_path / "new", "--fail-on", "latency_ms:worse"]
    code, _, err = harness(*words)
    assert code == 1
    assert err.splitlines() == [
        f"harness: not accepted: {row}: latency_ms cannot be judged: only in the old run"
        for row in ("deep", "wide", "slow")
    ]
    assert harness(*words, "--timings", "none")[0] == 3


def test_json_and_a_page(harness, runs, tmp_path):
    html = tmp_path / "page.html"
    code, out, _ = harness("compare", *runs, "--json", "--html", html)
    assert code == 0
    changes = json.loads(out)["changes"]
    assert [c["row"] for c in changes if c["verdict"] == "worse"] == ["deep"]
    assert "worse" in html.read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["compare", "OLD", "nowhere"], "there is no folder"),
        (
            ["compare", "OLD", "NEW", "--fail-on", "accuracy:worse"],
            "unknown metric 'accuracy' for",
        ),
        (["compare", "OLD", "NEW", "--margin", "much"], "wanted a share from 0 to 1"),
        (
            ["compare", "OLD", "NEW", "--html", "nowhere/page.html"],
            "cannot write nowhere/page.html",
        ),
        (["compare", "OLD"], "Missing argument 'NEW'"),
        (["history", "nowhere"], "there is no folder nowhere"),
        (["history", "OLD"], "holds no run with test_accuracy"),
        (["merge", "OLD", "--out", "MERGED"], "two runs or more"),
        (["merge", "OLD", "NEW", "--out", "OLD"], "already holds a run"),
        (["merge", "OLD", "NEW", "--out", "MERGED"], "contradict each other"),
    ],
)
def test_what_is_wrong_is_one_line(harness, runs, tmp_path, words, reason):
    names = {"OLD": runs[0], "NEW": runs[1], "MERGED": tmp_path / "merged"}
    code, out, err = harness(*(names.get(word, word) for word in words))
    assert (code, out) == (2, "")
    assert reason in err
    assert len(err.splitlines()) == 1


def test_history(harness, runs, tmp_path):
    svg, html = tmp_path / "h.svg", tmp_path / "h.html"
    code, out, _ = harness("history", runs[0].parent, "--svg", svg, "--html", html)
    assert code == 0
    assert out.startswith("Test accuracy (test_accuracy)")
    assert "deep" in out
    assert out.splitlines()[-1].startswith("These runs also have, for --metric: latency_ms, ")
    assert svg.read_text().startswith("<svg")
    assert "<svg" in html.read_text()
    code, out, _ = harness("history", runs[0].parent, "--json")
    told = json.loads(out)
    rows = told["rows"]
    assert "latency_ms" in told["others"]
    assert [len(row["points"]) for row in rows] == [2, 2, 2]


@pytest.mark.parametrize(
    ("columns", "names", "as_table"),
    [
        ("80", ["deep", "wide"], True),
        ("60", ["deep", "wide"], False),
        ("80", ["a" * 40, "b" * 9], False),
    ],
)
def test_history_cuts_no_name_and_no_interval(
    harness, tmp_path, monkeypatch, columns, names, as_table
):
    monkeypatch.setenv("COLUMNS", columns)
    write_run(tmp_path / "runs" / "one", names, seeds=(0, 1))
    write_run(tmp_path / "runs" / "two", names, seeds=(0, 1), draw=1)
    code, out, _ = harness("history", tmp_path / "runs")
    shown = out.splitlines()[:-1]
    assert code == 0 and "…" not in out
    assert all(len(line) <= int(columns) for line in shown)
    assert all(any(name in line for line in shown) for name in names)
    assert sum(len(re.findall(r"\d % \[\S+, \S+\]", line)) for line in shown) == 4
    assert ("│" in out) == as_table


def test_merge(harness, runs, tmp_path, monkeypatch):
    monkeypatch.setattr("harness.runs.run.Run.report", lambda run: [])
    other = write_run(tmp_path / "more", seeds=(3,), timing=False).path
    out = tmp_path / "merged"
    code, said, err = harness("merge", runs[0], other, "--out", out)
    assert (code, err) == (0, "")
    trials, timings, peaks = 12, 3, 1
    count = trials + timings + peaks
    assert said == f"{count} records of 2 runs; open {out / 'report.html'}\n"
    assert harness("compare", runs[0], out)[0] == 0
