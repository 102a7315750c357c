"""`harness metrics`."""

from __future__ import annotations

import json

import pytest

from harness.catalogue.metrics import BUILT_IN


def test_every_metric_by_hook_is_listed_with_what_it_costs(harness):
    code, out, _ = harness("metrics")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    out = " ".join(out.split())
    assert "Calibration error (fraction, less is better), in every run" in out
    assert "(fraction, more is better), with --metrics robustness" in out


def test_one_module_or_metric_is_shown_and_a_wrong_name_offers_the_nearest(harness):
    rows = json.loads(harness("metrics", "calibration", "--json")[1])["metrics"]
    assert [row["name"] for row in rows] == ["calibration_error"]
    assert "robustness_gaussian" in harness("metrics", "robustness_gaussian")[1]
    code, _, err = harness("metrics", "calibratoin")
    assert code == 2
    assert "did you mean 'calibration'?" in err


def test_an_installed_module_that_is_broken_is_listed_with_the_reason(harness, distribution):
    distribution("theirs", metrics={"theirs": "nowhere"})
    found = json.loads(harness("metrics", "--json")[1])
    assert {row["source"] for row in found["metrics"]} == set(BUILT_IN)
    assert found["problems"] == {"theirs": ["broken: there is no module nowhere"]}


def test_a_file_that_is_wrong_is_exit_code_2(harness, tmp_path):
    pytest.importorskip("torch")  # a process that imports metrics has it
    (tmp_path / "mine.py").write_text("nothing = 1\n")
    code, out, _ = harness("metrics", tmp_path / "mine.py")
    assert code == 2
    assert "harness_metrics" in out


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
def test_an_unknown_metric_is_refused_before_any_plugin_is_imported(
    harness, plugin_file, tmp_path, words
):
    pytest.importorskip("torch")
    asked = ["--plugins", plugin_file("mine", base="softmax"), "--metrics", "calibratio"]
    code, _, err = harness("run", *asked, "--out", tmp_path / "out", *words)
    assert code == 2 and "unknown metric 'calibratio': did you mean 'calibration'?" in err
    assert "importing" not in err and "writing to" not in err
