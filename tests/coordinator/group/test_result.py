"""What a measurement group yields: the fields of each subject, compared with the baseline."""

from __future__ import annotations

import dataclasses

import pytest

from harness.protocol.events import Opened, Samples
from harness.protocol.requests import OpenProbe, TakeRound
from tests.fixtures.groups import WHATS, fails, subject


def test_times_are_compared_by_the_sample(group):
    """The one takes twice the time for twice the samples."""

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            return Opened(first_call_ms=1, batches={"train": 10 if key == "a" else 20})
        if isinstance(request, TakeRound) and request.what == "train":
            seconds = [0.001 * request.batch] * 3
            return Samples(batch=request.batch, series={"train": seconds})
        return None

    result, _ = group([subject("a"), subject("b")], answer)
    versus = result.fields()["b"]["series"]["train"].versus
    assert versus.ratio == pytest.approx(1)
    assert versus.verdict == "tie"
    assert result.fields()["b"]["metrics"]["train_throughput"]["median"] == pytest.approx(1000)


@pytest.mark.parametrize(
    ("named", "failing", "baseline"),
    [
        ((), (), "a"),
        (("b",), (), "b"),
        (("c", "b"), (), "b"),  # the first of those named
        ((), ("a",), "b"),  # one that failed is replaced
        (("a",), ("a",), ""),  # unless it was asked for
        (("b", "c"), ("b",), "c"),
        ((), ("a", "b", "c"), ""),
        (("no-such-key",), (), "a"),
    ],
)
def test_the_baseline_is_what_was_asked_for_or_the_first(group, named, failing, baseline):
    result, _ = group([subject(key) for key in "abc"], fails(*failing), baseline=named)
    assert result.baseline == baseline
    for key, fields in result.fields().items():
        if key in failing:
            assert fields == {
                "status": "oom", "reason": "too large", "log": fields["log"],
            }  # fmt: skip
            continue
        compared = {name for name, series in fields["series"].items() if series.versus}
        assert compared == (set(WHATS) if baseline and key != baseline else set())
        assert fields["baseline"] == baseline


@pytest.mark.parametrize(
    ("named", "failing", "status", "remark"),
    [
        ((), (), "", ""),
        (("b",), ("a",), "oom", ""),
        ((), ("a",), "oom", "the a, the first row, gave no times: times are compared with the b"),
        ((), ("a",), "invalid", "the a, the first row, is refuted: times are compared with the b"),
        (
            ("b",),
            ("b",),
            "invalid",
            "the b, the row asked for as baseline, is refuted: times are compared with no row",
        ),
    ],
)
def test_that_the_baseline_is_another_is_told(group, named, failing, status, remark):
    result, _ = group(
        [subject(key) for key in "abc"], fails(*failing, status=status or "oom"), baseline=named
    )
    facts = [fields["facts"] for key, fields in result.fields().items() if key not in failing]
    assert {each.get("baseline", "") for each in facts} == {remark}


def test_what_does_not_compare_is_no_baseline_and_has_no_verdict(group):
    """A layer that is not the neuron is timed, and compared with nobody."""
    subjects = [subject("a", comparable=False), subject("b"), subject("c")]
    result, _ = group(subjects)
    found = result.fields()
    assert result.baseline == "b"
    assert found["a"]["series"]["latency"].versus is None
    assert found["a"]["metrics"]["latency_ms"]["median"] == pytest.approx(10)
    assert found["c"]["series"]["latency"].versus is not None
    assert group(subjects, baseline=("a",))[0].baseline == "b"


@pytest.mark.parametrize(
    ("named", "baseline", "remark"),
    [
        ((), "b", "the a, the first row, is refuted: times are compared with the b"),
        (("a",), "", "the a, the row asked for as baseline, is refuted: times are compared with no row"),
    ],
)  # fmt: skip
def test_what_computed_something_else_is_no_baseline_and_has_no_verdict(
    group, named, baseline, remark
):
    def answer(key, process, request):
        if isinstance(request, OpenProbe) and key == "a":
            return Opened(first_call_ms=1, batches={}, facts={"unlike": "3 spikes differ"})
        return None

    result, _ = group([subject(key) for key in "abc"], answer, baseline=named)
    found = result.fields()
    assert result.baseline == baseline
    assert {fields["facts"]["baseline"] for fields in found.values()} == {remark}
    assert found["a"]["series"]["latency"].versus is None
    assert found["a"]["metrics"]["latency_ms"]["median"] == pytest.approx(10)
    assert (found["c"]["series"]["latency"].versus is not None) == bool(baseline)


def slower(factors):
    def answer(key, process, request):
        if isinstance(request, TakeRound):
            jitter = 1 + 0.001 * ((len(taken) * 7 + process) % 5)
            taken.append(1)
            seconds = 0.01 * factors.get(key, 1) * jitter
            return Samples(batch=1, series={request.what: [seconds, 1.0]})
        return None

    taken = []
    return answer


def test_subjects_are_compared_by_the_noise_of_all_of_them(group):
    subjects = [subject(key) for key in "abc"]
    result, _ = group(subjects, slower({"b": 2, "c": 0.5}), rounds=12)
    found = {key: fields["series"]["latency"] for key, fields in result.fields().items()}
    assert found["a"].versus is None
    assert found["b"].versus.verdict == "slower"
    assert found["b"].versus.ratio == pytest.approx(2, rel=0.01)
    assert found["c"].versus.verdict == "faster"
    assert {series.rounds for series in found.values()} == {12}
    assert 0.01 <= found["a"].noise_floor < 0.1


def test_with_one_round_there_is_no_noise_to_judge_by(group):
    result, _ = group([subject("a"), subject("b")], rounds=1)
    assert result.fields()["a"]["series"]["latency"].noise_floor is None


@pytest.mark.parametrize(("device", "known"), [("cpu", True), ("cuda", False)])
def test_the_cores_of_the_calls_that_used_most_are_told(group, device, known):
    """By the median over the rounds; of a GPU nothing is said."""
    cores = {"latency": 1.0, "train": 1.9}

    def answer(key, process, request):
        if isinstance(request, TakeRound) and request.what in cores:
            return Samples(batch=1, series={request.what: [0.001] * 3}, cores=cores[request.what])
        return None

    result, _ = group([dataclasses.replace(subject("a"), device=device)], answer)
    assert result.fields()["a"]["facts"].get("cores") == (1.9 if known else None)
