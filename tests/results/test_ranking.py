from __future__ import annotations

import numpy as np
import pytest

from harness.results.answers import Answers
from harness.results.ranking import rank
from harness.results.summary import summarise

SAMPLES = 500


@pytest.fixture
def ranked(make_record):
    """The ranking of rows {name: accuracy}, two seeds each, with other fields of their records."""

    def make(accuracies, baseline="", **fields):
        records, classes = [], {}
        for place, (name, accuracy) in enumerate(accuracies.items()):
            for seed in (0, 1):
                draws = np.random.default_rng([place, seed])
                digest = f"{name}{seed}"
                classes[digest] = (draws.random(SAMPLES) < accuracy).astype(np.uint8)
                records.append(make_record(plugin=name, seed=seed, predictions=digest, **fields))
        answers = Answers(np.ones(SAMPLES), classes)
        rows = summarise(records, answers={records[0].row.task: answers})
        names = {row.row.key: row.row.plugin for row in rows}
        keys = {name: key for key, name in names.items()}
        return rank(rows, keys.get(baseline, "")), names

    return make


def test_rows_that_cannot_be_told_apart_share_a_place(ranked):
    found, names = ranked({"good": 0.95, "bad": 0.5, "also-good": 0.95})
    assert {names[key]: place for key, place in found.places.items()} == {
        "good": 1, "bad": 3, "also-good": 1,
    }  # fmt: skip
    assert {names[key] for key in found.best()} == {"good", "also-good"}


@pytest.mark.parametrize(
    ("baseline", "verdicts"),
    [("", {"bad": "worse", "b": "tie"}), ("bad", {"a": "better", "b": "better"})],
)
def test_every_row_is_compared_with_the_baseline_or_the_first(ranked, baseline, verdicts):
    found, names = ranked({"a": 0.95, "bad": 0.5, "b": 0.95}, baseline)
    assert names[found.baseline] == (baseline or "a")
    assert {names[k]: its.verdict for k, its in found.differences.items()} == verdicts


def test_one_network_on_several_frameworks_is_compared_with_the_first_of_them(ranked):
    found, names = ranked({"native": 0.9, "ours": 0.9, "broken": 0.5}, family="bptt")
    ((first, others),) = found.families.items()
    assert names[first] == "native"
    assert {names[key]: its.verdict for key, its in others.items()} == {
        "ours": "tie", "broken": "worse",
    }  # fmt: skip


def test_without_a_family_nothing_claims_to_be_one_network(ranked):
    assert ranked({"a": 0.9, "b": 0.9})[0].families == {}


def test_rows_without_answers_are_not_ranked(make_record):
    assert rank(summarise([make_record()])).places == {}


def test_a_parameter_that_is_off_is_as_good_as_one_that_a_plugin_lacks(make_record, make_row):
    def family(facts=None, **params):
        row = make_row(params={"hidden": 64, **params})
        return summarise([make_record(row=row, family="bptt", facts=facts or {})])[0].family

    assert family() == family(alpha=0.0) == family(dropout=0.0)
    assert family() != family(alpha=0.5)
    assert family() != family(hidden=32)
    assert family({"neuron": "the textbook's"}) == family()
    assert family({"neuron": "another neuron: 9 of 64 spikes differ"}) == ("", "")


def test_a_refuted_row_has_no_place_and_is_no_baseline(ranked, make_record):
    found, _ = ranked({"good": 0.9, "bad": 0.5}, facts={"reload": "same"})
    assert len(found.places) == 2
    found, _ = ranked({"good": 0.9, "bad": 0.5}, facts={"reload": "9 answers differ"})
    assert not found.places
    assert not found.differences
