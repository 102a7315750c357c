from __future__ import annotations

import numpy as np

from harness.report.layers import layer_rows
from harness.report.page.answers import of_layers, of_networks
from harness.report.rows import network_rows
from harness.results.answers import Answers
from harness.results.ranking import Ranking, rank
from harness.results.summary import summarise
from report.synthetic_run import fit_records, layers_records, record, run_records


def answers(records, kept=None):
    summaries = summarise(records, (), kept)
    ranking = rank(summaries) if kept else Ranking()
    return {a.question: a for a in of_networks(network_rows(summaries), ranking)}


def with_predictions(accuracies):
    """A record for each plugin with its number of operations, and predictions that are so accurate."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 1000)
    records, classes = [], {}
    for plugin, (accuracy, operations) in accuracies.items():
        for seed in (0, 1, 2):
            wrong = rng.random(1000) > accuracy
            digest = f"{plugin}{seed}"
            classes[digest] = np.where(wrong, (labels + 1) % 10, labels)
            metrics = {
                "test_accuracy": float(1 - wrong.mean()),
                "synops_effective": operations,
                "spikes_per_sample": 1.0,
            }
            records.append(record(plugin, seed, metrics=metrics, predictions=digest))
    return records, {"mnist": Answers(labels, classes)}


def test_the_first_screen_names_the_best_the_fastest_and_the_cheapest():
    found = answers(run_records())
    kinds = ("", " of those that spike")
    assert list(found) == [
        "Most accurate",
        *(f"{which}{kind}" for which in ("Fastest", "Fewest operations") for kind in kinds),
    ]
    assert found["Most accurate"].name == "ann-relu"
    # native-dfa is the baseline of the timings: ann-relu takes 0.12 times its time, so 8.4 the other way.
    assert "8.4 times the time of ann-relu." in found["Fastest of those that spike"].sentences


def test_what_would_be_lost_is_said_in_points():
    records, kept = with_predictions({"good": (0.97, 1e6), "cheap": (0.85, 1e3)})
    found = answers(records, kept)["Fewest operations"]
    assert found.name == "cheap"
    assert found.sentences[0] == "0.001 times the operations of good."
    assert found.sentences[1].startswith("What you lose: 1")
    assert found.sentences[1].endswith("] of accuracy against good.")


def test_operations_that_were_not_all_counted_are_not_named_as_the_fewest():
    records, kept = with_predictions({"good": (0.97, 1e6), "ok": (0.9, 1e5), "cheap": (0.85, 1e3)})
    fact = {"unrecorded": {"names": ["a.weight"], "share": 0.9}}
    for n, each in enumerate(records):
        if each.row.plugin == "cheap":
            records[n] = each.model_copy(update={"facts": fact})
    assert answers(records, kept)["Fewest operations"].name == "ok"


def test_a_little_less_is_not_called_once_as_much():
    records, kept = with_predictions({"good": (0.97, 1000), "a-little-cheaper": (0.85, 996)})
    found = answers(records, kept)["Fewest operations"]
    assert found.sentences[0] == "0.996 times the operations of good."


def test_a_tie_loses_nothing_that_shows_and_the_cheapest_tie_is_named():
    of = {"good": (0.97, 1e6), "equal": (0.97, 1e4), "cheap": (0.8, 1e3)}
    records, kept = with_predictions(of)
    found = answers(records, kept)
    assert "cannot be told from it." in found["Most accurate"].sentences[0]
    tied = found["Fewest operations at the best accuracy"]
    assert tied.name == "equal"


def test_what_holds_only_of_networks_that_spike_is_said_so():
    of = {"good": (0.97, 1e6), "equal": (0.97, 1e4), "cheap": (0.8, 1e3)}
    records, kept = with_predictions(of)
    records = [
        r.model_copy(
            update={"metrics": {n: v for n, v in r.metrics.items() if n != "spikes_per_sample"}}
        )
        if r.row.plugin == "equal"
        else r
        for r in records
    ]
    found = answers(records, kept)
    assert found["Fewest operations at the best accuracy, of those that spike"].name == "good"


def test_one_row_is_compared_with_nothing():
    (only,) = answers([record("a", metrics={"test_accuracy": 0.9, "synops_effective": 5})]).values()
    assert not only.sentences


def test_of_spike_trains_the_lowest_loss_is_named():
    found = answers(fit_records(3))
    assert "Lowest Van Rossum loss" in found
    assert found["Lowest Van Rossum loss"].value == "0.025"


def test_without_a_successful_trial_there_is_no_answer():
    assert not answers([record("a", status="failed")])


def test_of_layers_the_fastest_of_the_largest_size_is_named():
    found = of_layers(layer_rows(summarise(layers_records())))
    assert [answer.name for answer in found] == ["native", "native"]
    assert "8192 neurons" in found[0].question
    # The group calls snntorch, 1.05 times as slow, a tie.
    assert found[0].sentences[0] == "snntorch cannot be told from it."
    timings = [each for each in layers_records() if each.kind == "layer-timing"]
    alone = [each for each in timings if each.row.plugin == "native"]
    assert of_layers(layer_rows(summarise(alone))) == []


def test_what_the_group_calls_a_tie_is_none_the_faster_by_its_median():
    def loud(series):
        versus = series.versus and series.versus.model_copy(update={"verdict": "tie"})
        return series.model_copy(update={"noise_floor": 14.0, "versus": versus})

    records = [
        r.model_copy(update={"series": {name: loud(s) for name, s in r.series.items()}})
        if r.kind == "network-timing"
        else r
        for r in run_records()
    ]
    found = answers(records)
    assert found["Fastest"].sentences[0].endswith("cannot be told from it.")
