from __future__ import annotations

from harness.protocol.events import Failed, Measured, Opened, Prepared
from harness.protocol.requests import MeasurePeaks, OpenProbe
from harness.results.roofline import Work
from tests.fixtures.groups import subject


def test_a_call_that_took_less_time_than_its_work_is_refused(group):
    """10 ms for what takes this device 100: nobody computed that."""

    def work(flops):
        return lambda batches, facts: {"latency": Work(flops=flops, bytes=0)}

    subjects = [
        subject("a", least_work=work(1e11)),
        subject("b", least_work=work(1e9)),
        subject("c", least_work=lambda b, f: {"latency": Work(flops=0, bytes=1e15)}),
        subject("d", least_work=lambda b, f: {"no-such-series": Work(flops=1e15, bytes=0)}),
    ]
    result, _ = group(subjects)
    found = result.fields()
    assert (found["a"]["status"], found["b"]["status"]) == ("invalid", "ok")
    assert "latency of 1 samples" in found["a"]["reason"]
    assert found["c"]["status"] == "ok"  # a cache moves bytes faster than memory does
    assert found["d"]["status"] == "ok"
    assert result.baseline == "b"


def test_the_least_work_is_told_the_batches_and_the_facts(group):
    seen = []

    def work(batches, facts):
        seen.append((dict(batches), dict(facts)))
        return {}

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            return Opened(first_call_ms=1, batches={"inference": 5}, facts={"nonzero": 3})
        return None

    group([subject("a", least_work=work)], answer)
    assert seen == [({"latency": 1, "inference": 5, "train": 1}, {"nonzero": 3})]


def test_without_peaks_nothing_is_impossible(group):
    def answer(key, process, request):
        if isinstance(request, MeasurePeaks):
            return Failed(status="oom", reason="no room")
        return None

    work = {"least_work": lambda b, f: {"latency": Work(flops=1e15, bytes=0)}}
    result, _ = group([subject("a", **work)], answer)
    a = result.fields()["a"]
    assert a["status"] == "ok"
    assert a["facts"]["speed_check"] == "not made: no peak was measured (no room)"
    assert result.peaks.reason == "no room"
    strange, _ = group(
        [subject("a", **work)],
        lambda k, p, r: Prepared(path="x", facts={}) if isinstance(r, MeasurePeaks) else None,
    )
    assert strange.peaks.status == "crashed"


def test_the_fastest_precision_that_was_measured_is_what_is_possible(group):
    """1e11 operations in 10 ms are too many in float32, and not in bfloat16."""

    def peaks(**metrics):
        answer = Measured(metrics=metrics, absent={"peak_flops_fp16": "no such product"})
        return lambda k, p, r: answer if isinstance(r, MeasurePeaks) else None

    work = {"least_work": lambda b, f: {"latency": Work(flops=1e11, bytes=0)}}
    found = {}
    for name, metrics in (
        ("float32", {"peak_flops": 1e12}),
        ("both", {"peak_flops": 1e12, "peak_flops_bf16": 2e13}),
        ("none", {"peak_bandwidth": 1e9}),
    ):
        result, _ = group([subject("a", **work)], peaks(**metrics))
        found[name] = result.fields()["a"]
    assert found["float32"]["status"] == "invalid"
    assert (found["both"]["status"], found["both"]["facts"]["speed_check"]) == ("ok", "made")
    assert found["none"]["facts"]["speed_check"] == (
        "not made: no peak was measured (no such product)"
    )


def test_a_check_that_lacks_the_operations_is_not_made(group):
    result, _ = group([subject("a")])
    told = "not made: the fewest operations of a call are not known"
    assert result.fields()["a"]["facts"]["speed_check"] == told
