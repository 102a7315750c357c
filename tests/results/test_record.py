from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import UsageError
from harness.plugin.contract import Neuron
from harness.plugin.parameters import Parameter
from harness.results.metrics import METRICS
from harness.results.reading import DEEPEST, LARGEST
from harness.results.record import (
    SCHEMA,
    LayerProof,
    LayerTiming,
    NetworkTiming,
    Outliers,
    PeaksRecord,
    Series,
    TrialRecord,
    Variant,
    Versus,
    finite,
    from_line,
    latest,
    to_line,
)
from harness.subjects import Contender, LayerRow, LayerSize, Row

# Surrogates cannot be written as UTF-8; none comes through the protocol.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
#: Hypothesis draws names from the code under test too; metrics of the registry are tested apart.
OWN_NAMES = TEXT.filter(lambda name: name not in METRICS)
FLOATS = st.floats(-LARGEST, LARGEST)
COUNTS = st.integers(1, 2**53)
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), FLOATS)
VALUES = st.one_of(st.booleans(), NUMBERS, TEXT)
ROWS = st.builds(
    Row,
    plugin=TEXT,
    framework=TEXT,
    framework_version=TEXT,
    digest=TEXT,
    device=TEXT,
    threads=st.integers(1, 64),
    task=TEXT,
    preset=TEXT,
    params=st.dictionaries(TEXT, VALUES),
    swept=st.dictionaries(TEXT, VALUES),
)
ROW = {
    "plugin": "p", "framework": "f", "framework_version": "1", "digest": "d", "device": "cpu",
    "threads": 1, "task": "t", "preset": "quick",
}  # fmt: skip
LAYERS = st.builds(
    LayerRow,
    plugin=TEXT,
    framework=TEXT,
    neuron=st.builds(Neuron, beta=st.floats(0, 1), detach=st.booleans()),
    size=st.builds(
        LayerSize,
        neurons=COUNTS,
        steps=COUNTS,
        batch=COUNTS,
        density=st.floats(0, 1),
    ),
)
SERIES = st.builds(
    Series,
    batch=COUNTS,
    rounds=COUNTS,
    outliers=st.builds(Outliers, count=COUNTS, calls=COUNTS, slowest=st.floats(1, 99)),
    versus=st.none()
    | st.builds(
        Versus,
        ratio=st.floats(0, 9),
        p=st.floats(0, 1),
        verdict=st.sampled_from(["faster", "slower", "tie"]),
    ),
)
COMMON = {
    "session": st.integers(0, 9),
    "status": st.sampled_from(["ok", "skipped", "failed", "timeout", "oom", "crashed", "invalid"]),
    "reason": TEXT,
    "metrics": st.dictionaries(OWN_NAMES, st.one_of(NUMBERS, st.lists(NUMBERS))),
}
SEED = st.integers(0, 2**63 - 1)
TIMED = {"series": st.dictionaries(TEXT, SERIES), "baseline": TEXT}
HISTORY = st.lists(st.dictionaries(TEXT, FLOATS))
RECORDS = st.one_of(
    st.builds(TrialRecord, row=ROWS, seed=SEED, history=HISTORY, **COMMON),
    st.builds(NetworkTiming, row=ROWS, seed=SEED, **TIMED, **COMMON),
    st.builds(LayerTiming, row=LAYERS, equal=st.booleans(), **TIMED, **COMMON),
    st.builds(PeaksRecord, device=TEXT, threads=COUNTS, **COMMON),
)


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record):
    line = to_line(record)
    assert "\n" not in line
    assert "\r" not in line
    assert from_line(line.encode().decode()) == record


def holding(place, value):
    """A record that has `value` in that place; ValidationError where it is refused."""
    common = {"status": "ok", "row": Row.model_validate(ROW), "seed": 0}
    match place:
        case "layers":
            return TrialRecord(layers=[{"name": "l", "mine": value}], **common)
        case "variants":
            variant = Variant(status="ok", facts={"mine": value})
            return NetworkTiming(variants={"compile": variant}, **common)
        case _:
            return TrialRecord(**{place: {"mine": value}}, **common)


@pytest.mark.parametrize("place", ["metrics", "facts", "layers", "node", "variants"])
@given(
    value=st.recursive(
        st.integers() | st.floats() | st.integers(-(2**66), 2**66) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    ),
    deeper=st.integers(0, 10),
)
def test_what_can_be_written_can_be_read(place, value, deeper):
    for _ in range(deeper):
        value = [value]
    try:
        record = holding(place, value)
    except ValidationError:
        return
    assert from_line(to_line(record)) == record


@pytest.mark.parametrize("place", ["metrics", "facts", "layers", "node", "variants"])
@pytest.mark.parametrize(
    ("deep", "innermost"), [(DEEPEST, 1), (DEEPEST, 2**64 - 1), (0, 1 - 2**64), (0, -1e100)]
)
def test_the_deepest_and_the_largest_can_be_read(place, deep, innermost):
    value = innermost
    for _ in range(deep):
        value = [value]
    record = holding(place, value)
    assert from_line(to_line(record)) == record


@pytest.mark.parametrize("number", [10**19, -(10**24), 2**63, 1e100, -1e101])
@pytest.mark.parametrize("default", [1, 1.0])
def test_a_parameter_that_is_accepted_can_be_read(default, number):
    try:
        value = Parameter(default, "").check("p", number)
    except UsageError:
        return
    row = Row.model_validate({**ROW, "params": {"p": value}, "swept": {"p": value}})
    record = TrialRecord(status="ok", row=row, seed=0)
    assert from_line(to_line(record)) == record


@given(RECORDS, st.data())
def test_a_cut_off_line_is_refused(record, data):
    line = to_line(record)
    end = data.draw(st.integers(0, len(line) - 1))
    with pytest.raises(ValueError, match="no valid JSON") as error:
        from_line(line[:end])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": SCHEMA + 1}, f"schema {SCHEMA + 1}, this version reads {SCHEMA}"),
        ({"schema": None}, "schema None"),
        ({"schema": "1"}, "schema '1'"),
        ({"status": "fine"}, "status: wanted 'ok'"),
        ({"kind": "other"}, "'kind': wanted 'trial'"),
        ({"seed": "zero"}, "seed: wanted an integer, not 'zero'"),
        ({"metrics": [1]}, "metrics: wanted names with their values, not [1]"),
        ({"surprise": 1}, "surprise: is unknown"),
        ({"history": [{"loss": "low"}]}, "history.0.loss: wanted a number, not 'low'"),
    ],
)
def test_a_line_that_is_no_record_is_refused_with_the_field(make_record, change, reason):
    data = json.loads(to_line(make_record())) | change
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        from_line(json.dumps(data))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["row", "status", "seed"])
def test_a_field_that_is_missing_is_named(make_record, name):
    data = json.loads(to_line(make_record()))
    del data[name]
    with pytest.raises(ValueError, match=f"trial.{name}: is missing"):
        from_line(json.dumps(data))


@pytest.mark.parametrize("line", ["[]", "1", '"text"', "null"])
def test_other_json_is_refused(line):
    with pytest.raises(ValueError, match="no JSON object"):
        from_line(line)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_is_refused(make_record, number):
    line = to_line(make_record(metrics={"synops_ac": 12345})).replace("12345", number)
    with pytest.raises(ValueError, match=f"{number} is no JSON number"):
        from_line(line)


def test_nan_is_in_no_record(make_record):
    with pytest.raises(ValueError, match="not finite"):
        make_record(metrics={"synops_ac": math.nan})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metrics": {"test_accuracy": 1.7}}, "metrics: test_accuracy: 1.7 is not in [0, 1]"),
        ({"metrics": {"train_seconds": -1}}, "train_seconds: -1 is not finite and at least 0"),
        ({"metrics": {"latency_ms": {"median": -0.1}}}, "latency_ms: -0.1 is not"),
        ({"metrics": {"latency_ms": {"low": 1}}}, "latency_ms: None is no number"),
        ({"metrics": {"accuracy_by_step": 0.5}}, "accuracy_by_step: 0.5 is no list of numbers"),
        ({"metrics": {"reference_accuracy": [1]}}, "reference_accuracy: [1] is no mapping"),
        ({"metrics": {"test_accuracy": True}}, "test_accuracy: True is no number"),
        ({"metrics": {"mine": 1e101}}, "too large"),
        ({"metrics": {"mine": [[[[[[[[[[1]]]]]]]]]]}}, "nested too deeply"),
        ({"facts": {"mine": [[[[[[[[[[1]]]]]]]]]]}}, "nested too deeply"),
        ({"layers": [{"synops_ac": 1}]}, "a layer has no name"),
        ({"layers": [{"name": "l", "activation_sparsity": 2}]}, "layer l: activation_sparsity: 2"),
        ({"seconds": -1}, "seconds: "),
        ({"session": -1}, "session: "),
        ({"seed": -1}, "seed: "),
        ({"raster": {"input": [[-1]]}}, "raster.input.0.0: "),
        ({"source": {"title": "t", "authors": "a", "accuracy": 93}}, "source.accuracy: "),
    ],
)
def test_a_record_with_an_impossible_value_is_refused(make_record, change, reason):
    data = json.loads(to_line(make_record())) | change
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        from_line(json.dumps(data))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("number", ["1e400", "9" * 30, "9" * 5000, "-1e101"])
def test_a_number_that_no_float_holds_is_refused(make_record, number):
    line = to_line(make_record(metrics={"mine": 12345})).replace("12345", number)
    with pytest.raises(ValueError, match="no valid JSON") as error:
        from_line(line)
    assert len(str(error.value)) < 200


def test_deep_json_is_refused():
    with pytest.raises(ValueError, match="nested"):
        from_line("[" * 100_000 + "]" * 100_000)


def test_what_is_not_finite_was_not_measured():
    metrics = {"a": math.nan, "b": math.inf, "c": None, "d": 0.0, "e": 0, "f": [1.0], "g": "x"}
    assert finite(metrics) == {"d": 0.0, "e": 0, "f": [1.0], "g": "x"}


def test_a_proof_is_read_as_it_was_written():
    row = Contender(plugin="a", framework="f")
    proof = LayerProof(row=row, neuron=Neuron(0.9, detach=False), status="ok")
    assert from_line(to_line(proof)) == proof


def test_the_latest_record_of_each_trial_and_measurement_counts(make_record):
    first, second = make_record(status="failed"), make_record(status="ok")
    timing = make_record("network-timing")
    assert latest([first, timing, second]) == [second, timing]
    other = make_record(seed=1)
    assert latest([first, other]) == [first, other]
