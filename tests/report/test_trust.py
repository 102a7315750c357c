"""What the report says of the timings: comparisons, noise floor, checks, refusals, absences."""

from __future__ import annotations

from harness.report import trust
from harness.report.numbers import ABSENT
from harness.results.record import Record


def record(label, stage="timing", status="ok", **fields):
    return Record(
        stage=stage, key=f"{label} seed=0", plugin=label, label=label, framework="f", task="digits",
        preset="quick", seed=0, device="cpu", status=status, **fields,
    )  # fmt: skip


ENTRY = {"ratio": 1.31, "low": 1.25, "high": 1.4, "p": 0.002, "verdict": "slower"}
BASE = {
    "baseline": "a",
    "noise_floor": {"latency": 0.012, "inference": 0.03, "train": 0.05},
    "versus": {},
    "rounds": 10,
    "outliers": {"latency": {"count": 3, "of": 100, "slowest": 4.5}},
}
RUN = {"environment": {"cpu": "A CPU", "cores": 2, "gpus": []}}


def words(records):
    return dict(trust.how_far(RUN, records))


def test_each_row_stands_to_the_baseline_in_words():
    few_rounds = {"ratio": 0.5, "p": 0.1, "verdict": "tie"}
    versus = {"latency": ENTRY, "inference": few_rounds}
    (line,) = trust.versus(
        [record("a", metrics=BASE), record("b", metrics={**BASE, "versus": versus})]
    )
    assert line == ("b", "1.31 x [1.25, 1.4] slower", "0.5 x tie", ABSENT)
    assert "Time over that of a," in trust.versus_note([record("a", metrics=BASE)])


def test_the_floor_the_machine_and_the_checks_are_told():
    found = words([record("a", metrics=BASE), record("b", metrics=BASE)])
    assert "1.2% (latency), 3.0% (inference), 5.0% (training)" in found["Noise floor"]
    assert found["Machine"].startswith(
        "A CPU, 2 cores. Every row took its turn alone, in 10 rounds"
    )
    assert found["Checks passed"].startswith("2 of 2 rows: ")
    assert "Refused" not in found
    assert found["Outliers"].startswith("3.0% of 200 calls")
    assert "the slowest 4.5 times" in found["Outliers"]


def test_a_refused_row_is_named_with_its_reason():
    found = words([record("a", metrics=BASE), record("b", status="invalid", reason="remembered")])
    assert found["Checks passed"].startswith("1 of 2 rows: ")
    assert found["Refused"] == "b (invalid: remembered)"
    assert "Checks passed" not in words([record("b", status="invalid", reason="remembered")])


def test_what_is_absent_is_told_once_for_all_rows_that_lack_it():
    def trial(label, **absent):
        return record(label, "trial", absent=absent)

    found = words(
        [
            record("a", metrics=BASE),
            trial("a", energy="no counter", spikes="none"),
            trial("b", energy="no counter"),
        ]
    )
    assert found["Not measured"] == "energy: no counter; spikes of a: none"


def test_a_run_without_timings_says_nothing_of_them():
    assert trust.how_far(RUN, [record("a", "trial")]) == []
    assert trust.versus([record("a", "trial")]) == []
