from __future__ import annotations

import numpy as np
import pytest

from harness.results.answers import Answers
from harness.results.caveats import is_lower_bound, refuted, warnings
from harness.results.session import Session

LABELS = np.arange(200) % 4


@pytest.mark.parametrize(
    ("facts", "status", "reason"),
    [
        ({}, "ok", ""),
        ({"reload": "same"}, "ok", ""),
        ({"reload": "3 of 200 answers differ"}, "ok", "3 of 200 answers differ (seed 0)"),
        ({}, "invalid", "too fast"),
        ({"reload": "other"}, "invalid", "other (seed 0); too fast"),
        ({}, "crashed", ""),
    ],
)
def test_a_row_is_refuted_by_a_reload_or_by_a_check(make_record, facts, status, reason):
    timing = make_record("network-timing", status=status, reason="too fast")
    assert refuted([make_record(facts=facts), make_record(seed=1)], timing) == reason


def test_without_a_measurement_the_trials_alone_count(make_record):
    assert refuted([make_record()], None) == ""
    assert refuted([make_record(facts={"reload": "\x1b[31mx"})], None) == r"\x1b[31mx (seed 0)"


def test_an_honest_row_has_no_warning(make_record):
    answers = Answers(LABELS, {"d": LABELS})
    layers = [{"name": "hidden", "spikes_per_sample": 0.1}, {"name": "out"}]
    facts = {"silent_layers": [], "tied_scores": 0.001, "neuron": "equal to the textbook's"}
    record = make_record(predictions="d", layers=layers, facts=facts)
    assert warnings([record], make_record("network-timing"), answers, [Session()]) == {}


def test_weights_that_no_layer_has_are_named(make_record):
    fact = {"unrecorded": {"names": ["a", "b"], "share": 0.9831}}
    found = warnings([make_record(facts=fact)], None)
    assert found == {
        "unrecorded": "no recorded layer has 98.3 % of the weights that its scores depend on (a, b): it "
        "needs more operations than were counted"
    }
    assert is_lower_bound(found, "synops_effective")
    assert not is_lower_bound(found, "latency_ms")
    assert not is_lower_bound({}, "synops_effective")
    many = {"unrecorded": {"names": list("abcdef"), "share": 0.5}}
    found = warnings([make_record(facts=many), make_record(seed=1)], None)
    assert "(a, b, c, d and 2 more) (seed 0): it" in found["unrecorded"]
    for damaged in (1, {}, {"names": "a"}, {"names": []}):
        assert warnings([make_record(facts={"unrecorded": damaged})], None) == {}


def test_more_cores_than_threads_are_told(make_record):
    timing = make_record("network-timing", facts={"cores": 1.94})
    assert warnings([make_record()], timing) == {
        "threads": "its timed calls used 1.9 cores where 1 thread was asked for"
    }
    both = warnings([make_record(facts={"train_cores": 1.6})], timing)["threads"]
    assert both.startswith("its training used 1.6 cores, its timed calls used 1.9 cores where")
    for fine in (0.4, 1.2, "many", None):
        assert warnings([make_record()], make_record("network-timing", facts={"cores": fine})) == {}


def test_silent_layers_are_named_with_the_seeds_where_not_all(make_record):
    silent, other = ({"silent_layers": names} for names in (["hidden"], []))
    found = warnings([make_record(facts=silent), make_record(seed=1, facts=silent)], None)
    assert found == {"silent": "layer hidden never spiked, on the whole test split"}
    found = warnings([make_record(facts=silent), make_record(seed=1, facts=other)], None)
    assert found["silent"] == "layer hidden never spiked (seed 0), on the whole test split"


def test_a_layer_without_a_spike_is_silent_in_records_that_do_not_say_so(make_record):
    layers = [{"name": "one", "spikes_per_sample": 0.0}, {"name": "two", "spikes_per_sample": 1.0}]
    assert "layer one never spiked" in warnings([make_record(layers=layers)], None)["silent"]


def test_of_many_silent_layers_some_are_named(make_record):
    found = warnings([make_record(facts={"silent_layers": list("abcdef")})], None)
    assert found["silent"].endswith(
        "; layer d never spiked; nor did 2 more, on the whole test split"
    )


def test_an_accuracy_that_one_class_alone_gives_is_at_chance(make_record):
    answers = Answers(LABELS, {"constant": LABELS * 0, "right": LABELS})
    constant, right = make_record(predictions="constant"), make_record(seed=1, predictions="right")
    told = f"on {len(LABELS)} test samples it cannot be told from always the same class, which gives 25.0 %"
    assert warnings([constant], None, answers) == {"chance": f"accuracy at chance: {told}"}
    assert warnings([constant, right], None, answers) == {
        "chance": f"accuracy at chance (seed 0): {told}"
    }
    assert warnings([right], None, answers) == {}


def test_a_metric_whose_code_failed_is_told_and_one_that_a_network_lacks_is_not(make_record):
    absent = {"margin": "ValueError: no", "curve": "only images"}
    failed = make_record(absent=absent, facts={"failed_metrics": ["margin"]})
    assert warnings([failed, failed], None) == {"metrics": "no margin: ValueError: no"}
    assert warnings([make_record(absent=absent)], None) == {}
    damaged = make_record(absent=absent, facts={"failed_metrics": [1, "other"]})
    assert warnings([damaged], None) == {}


def test_a_better_guess_than_the_most_frequent_class_is_not_at_chance(make_record):
    """40 % of four classes is more than chance; 30 % of 200 samples may be chance."""
    for share, at_chance in ((0.30, True), (0.40, False)):
        predicted = np.where(np.arange(200) < 200 * share, LABELS, (LABELS + 1) % 4)
        found = warnings([make_record(predictions="d")], None, Answers(LABELS, {"d": predicted}))
        assert ("chance" in found) is at_chance


def test_tied_scores_random_answers_and_another_neuron_are_told(make_record):
    facts = {"tied_scores": 0.25, "neuron": "another neuron: 287.1 spikes a sample for 277.6"}
    timing = make_record("network-timing", facts={"random_answers": 0.031})
    found = warnings([make_record(facts=facts)], timing)
    assert found["ties"].startswith("scores tie on 25 % of the test samples")
    assert found["random"] == "random: two evaluations differ on 3.1 % of the samples"
    assert found["neuron"] == "another neuron: 287.1 spikes a sample for 277.6"


def test_answers_that_no_seed_brings_back_are_told_in_place_of_random_ones(make_record):
    facts = {"random_answers": 0.4, "unseeded_answers": 0.5}
    found = warnings([make_record(facts=facts)], None)
    assert "random" not in found
    assert found["unseeded"].startswith(
        "two evaluations differ on 50 % of the samples though the same seed was set before each: "
    )


@pytest.mark.parametrize(
    ("test", "validation", "warned"),
    [(0.99, 0.90, True), (0.91, 0.90, False), (0.90, 0.99, False), (1.0, 1.0, False)],
)
def test_test_accuracy_above_validation_beyond_chance_is_told(
    make_record, test, validation, warned
):
    session = Session(data={"splits": {"test": 2000, "validation": 1000}})
    metrics = {"test_accuracy": test, "validation_accuracy": validation}
    found = warnings([make_record(metrics=metrics)], None, None, [session])
    assert ("validation" in found) is warned


@pytest.mark.parametrize(("limit", "warned"), [(None, True), (50, False), (5000, True)])
def test_of_a_limited_run_the_samples_that_were_used_decide(make_record, limit, warned):
    """54 % of 50 samples against 34 % of 50 may be chance; of all samples, it is none."""
    session = Session(data={"splits": {"test": 2000, "validation": 1000}})
    metrics = {"test_accuracy": 0.54, "validation_accuracy": 0.34}
    found = warnings([make_record(metrics=metrics, limit=limit)], None, None, [session])
    assert ("validation" in found) is warned


@pytest.mark.parametrize(
    "data",
    [{}, {"splits": 3}, {"splits": {"test": 0, "validation": 1}}, {"splits": {"test": "many"}}],
)
def test_without_the_sizes_of_the_splits_nothing_is_said(make_record, data):
    metrics = {"test_accuracy": 1.0, "validation_accuracy": 0.1}
    record = make_record(metrics=metrics)
    assert warnings([record], None, None, [Session(data=data)]) == {}
    assert warnings([record], None, None, []) == {}


@pytest.mark.parametrize("wrong", [None, "x", [1], {"a": 1}, True, -1])
def test_facts_of_another_kind_break_nothing(make_record, wrong):
    names = ("silent_layers", "tied_scores", "random_answers", "unseeded_answers", "neuron")
    assert isinstance(warnings([make_record(facts=dict.fromkeys(names, wrong))], None), dict)


def test_a_training_that_changes_nothing_is_told(make_record):
    timing = make_record("network-timing", facts={"idle_training": 12})
    assert warnings([make_record()], timing)["idle"].startswith(
        "its timed training steps change nothing"
    )
    for other in (None, "x", 0):
        timing = make_record("network-timing", facts={"idle_training": other})
        assert warnings([make_record()], timing) == {}


def test_processes_that_differ_far_more_than_those_of_the_others_are_told(make_record):
    calls = {"count": 0, "calls": 9, "slowest": 1.0}
    series = {
        name: {"batch": 1, "rounds": 12, "outliers": calls, "unsteady": times}
        for name, times in (("latency", 23.1), ("inference", None), ("train", 1.4))
    }
    told = warnings([make_record()], make_record("network-timing", series=series))
    assert told["unsteady"] == (
        "unsteady: the slower of its two processes took 23.1 times as long (latency), "
        "1.4 times as long (training)"
    )
