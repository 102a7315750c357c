"""What the report says of the timings: noise floor, machine, checks, refusals, absences."""

from __future__ import annotations

import numpy as np

from harness.report.trust import how_far
from harness.results.summary import summarise

from .synthetic_run import layer, record, row, session, timing


def timed(plugin="native-dfa", **changes):
    return timing(plugin, np.random.default_rng(0), baseline="b").model_copy(update=changes)


def words(records, sessions=(), beside=()):
    labels = {r.row.key: r.row.plugin for r in records}
    return dict(how_far(records, sessions or [session()], labels, beside))


def test_the_floor_the_machine_and_the_checks_are_told():
    found = words([timed(), timed("ann-relu")])
    assert "up to 1.2 % (latency), 1.2 % (inference), 1.2 % (training)." in found["Noise floor"]
    assert "2 cores. Every row was timed alone, in 12 rounds" in found["Machine"]
    assert found["Checks passed"].startswith("2 of 2 rows: ")
    assert "Refused" not in found
    assert found["Outliers"].startswith("3.0 % of 600 calls")
    assert "the slowest 4.5 times" in found["Outliers"]


def test_a_refused_row_is_named_with_its_reason():
    refused = timed("ann-relu", status="invalid", reason="remembered", metrics={}, series={})
    found = words([timed(), refused])
    assert found["Checks passed"].startswith("1 of 2 rows: ")
    assert found["Refused"] == "ann-relu (invalid: remembered)"
    assert "Checks passed" not in words([refused])


def test_layers_that_refuse_are_no_failed_check():
    skipped = layer("sinabs", status="skipped", reason="no leak", metrics={}, series={})
    found = words([layer("native"), layer("norse"), skipped])
    assert found["Checks passed"].startswith("2 of 2 layers: ")
    assert found["Refused"] == "sinabs (skipped: no leak)"


def test_a_layer_that_is_not_equal_has_not_passed():
    unequal = layer("norse", equal=False)
    assert words([layer("native"), unequal])["Checks passed"].startswith("1 of 2 layers: ")


def test_what_is_absent_is_told_once_for_all_rows_that_lack_it():
    found = words(
        [
            timed(row=row("a")),
            record("a", absent={"energy_measured_j": "no counter", "spikes": "none"}),
            record("b", absent={"energy_measured_j": "no counter"}),
        ]
    )
    assert found["Not measured"] == "Energy, measured: no counter; spikes of a: none"


def test_a_run_without_timings_says_nothing_of_them():
    assert words([record("a")]) == {}


def test_the_session_that_took_the_timings_is_named():
    sessions = [session(), session(load_average=1.5)]
    found = words([record("native-dfa"), timed(session=1)], sessions)
    assert "The trials were taken in session 1 (" in found["Sessions"]
    assert "The timings were taken in session 2 (" in found["Sessions"]
    assert "load at the start 1.5, commit 3f9c2ab41d (changed)" in found["Sessions"]
    assert "Sessions" not in words([record("native-dfa"), timed()], sessions)


def test_other_runs_are_named():
    assert "rows of old were taken over" in words([record("a")], beside=["old"])["Other runs"]


def test_networks_that_decide_early_are_named():
    found = words([timed(facts={"last_step_that_counts": 7, "steps": 20})])
    assert "native-dfa after step 7 of 20" in found["Decided early"]
    assert "Decided early" not in words([timed()])


def test_refuted_rows_and_warnings_are_told_also_where_nothing_was_timed():
    facts = {"reload": "3 of 10 answers differ", "silent_layers": ["hidden"]}
    records = [record("a", facts=facts), record("b", facts={"silent_layers": ["hidden"]})]
    summaries = summarise(records)
    labels = {row.row.key: row.label for row in summaries}
    found = dict(how_far(records, [session()], labels, (), summaries))
    assert found["Refuted"].endswith("a (3 of 10 answers differ (seed 0)).")
    assert found["Warnings"] == "a, b: layer hidden never spiked, on the whole test split"
    assert "Refuted" not in words([timed()])


def test_a_speed_that_was_not_checked_is_said_and_the_precision_is_shown():
    flags = {"float32_matmul": "highest", "cudnn_tf32": "off"}
    checked = timed(facts={"speed_check": "made", "precision": flags})
    why = "not made: no peak was measured (no room)"
    other = timed("ann-relu", facts={"speed_check": why, "precision": flags})
    found = words([checked, other])
    assert found["Speed not checked"] == "ann-relu (no peak was measured (no room))"
    assert found["Precision"] == "float32_matmul highest, cudnn_tf32 off"
    assert (
        not {"Speed not checked", "Precision"}
        & words([timed(), checked.model_copy(update={"facts": {}})]).keys()
    )
