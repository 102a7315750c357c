from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.record import SCHEMA, Record, finite

# Surrogates cannot be written as UTF-8; none comes through the protocol.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(st.booleans(), NUMBERS, TEXT)
RECORDS = st.builds(
    Record,
    stage=st.sampled_from(["trial", "timing"]),
    key=TEXT,
    plugin=TEXT,
    label=TEXT,
    framework=TEXT,
    task=TEXT,
    preset=TEXT,
    params=st.dictionaries(TEXT, VALUES),
    seed=st.integers(0, 2**63 - 1),
    device=TEXT,
    status=st.sampled_from(["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]),
    reason=TEXT,
    metrics=st.dictionaries(TEXT, st.one_of(NUMBERS, st.lists(NUMBERS))),
    history=st.lists(st.dictionaries(TEXT, st.floats(allow_nan=False, allow_infinity=False))),
)


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record):
    line = record.to_line()
    assert "\n" not in line
    assert "\r" not in line
    assert Record.from_line(line.encode().decode()) == record


@given(RECORDS, st.data())
def test_a_cut_off_line_is_refused(record, data):
    line = record.to_line()
    end = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(ValueError, match="no valid JSON") as error:
        Record.from_line(line[:end])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": SCHEMA + 1}, f"schema {SCHEMA + 1}, this version reads {SCHEMA}"),
        ({"schema": None}, "schema None"),
        ({"schema": "1"}, "schema '1'"),
        ({"status": "fine"}, "status: Input should be 'ok'"),
        ({"stage": "other"}, "stage: "),
        ({"seed": "zero"}, "seed: "),
        ({"metrics": [1]}, "metrics: "),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"history": [{"loss": "low"}]}, "history.0.loss: "),
    ],
)
def test_a_line_that_is_no_record_is_refused_with_the_field(make_record, change, reason):
    data = json.loads(make_record().to_line()) | change
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}") as error:
        Record.from_line(json.dumps(data))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["key", "status", "seed", "task"])
def test_a_field_that_is_missing_is_named(make_record, name):
    data = json.loads(make_record().to_line())
    del data[name]
    with pytest.raises(ValueError, match=f"^{name}: Field required"):
        Record.from_line(json.dumps(data))


@pytest.mark.parametrize("line", ["[]", "1", '"text"', "null"])
def test_other_json_is_refused(line):
    with pytest.raises(ValueError, match="no JSON object"):
        Record.from_line(line)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_is_refused(make_record, number):
    line = make_record(metrics={"test_accuracy": 12345}).to_line().replace("12345", number)
    with pytest.raises(ValueError, match=f"{number} is no JSON number"):
        Record.from_line(line)


def test_nan_is_never_written(make_record):
    with pytest.raises(ValueError, match="not JSON compliant"):
        make_record(metrics={"test_accuracy": math.nan}).to_line()


def test_what_is_not_finite_was_not_measured():
    metrics = {"a": math.nan, "b": math.inf, "c": None, "d": 0.0, "e": 0, "f": [1.0], "g": "x"}
    assert finite(metrics) == {"d": 0.0, "e": 0, "f": [1.0], "g": "x"}
