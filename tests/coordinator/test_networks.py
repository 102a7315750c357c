"""Trained networks as subjects of a group: what is asked, and the records that it leaves."""

from __future__ import annotations

import pytest

from harness.config.options import RunConfig, make_config
from harness.coordinator.networks import WHATS, measure_networks
from harness.coordinator.plan import Planned
from harness.protocol.events import Failed, Prepared
from harness.protocol.requests import MeasurePeaks, OpenNetwork, TakeRound
from harness.results.record import NetworkTiming, PeaksRecord
from harness.results.store import RunFolder
from harness.subjects import Trial


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


@pytest.fixture
def carry_out(folder, make_record, make_plugin, fake_workers, heard):
    """Measures rows of these plugins, trained with some metrics, and returns (workers, records)."""

    def run(trained, answer=lambda worker, request: None, session=0, **options):
        group, labels = [], {}
        for name, (seed, metrics) in trained.items():
            digest = "0" * 64 if metrics else ""
            record = make_record(plugin=name, seed=seed, metrics=metrics, predictions=digest)
            plugin = make_plugin(name, framework=f"{name}-net")
            group.append((Planned(Trial(row=record.row, seed=seed), plugin), record))
            labels[record.row.key] = f"the {name}"
        workers = fake_workers(answer)
        config = make_config(RunConfig, {"plugins": ("all",), "rounds": 2, "jobs": 1, **options})
        data = Prepared(path="the data", facts={})
        measure_networks(group, labels, config, data, folder, session, workers, heard)
        records, problems = folder.records()
        assert problems == []
        return workers, records

    return run


def test_each_row_has_a_record_beside_its_samples_and_the_device_has_its_peaks(
    carry_out, folder, heard
):
    _workers, records = carry_out({"a": (4, {"test_accuracy": 0.5}), "b": (0, {})}, session=2)
    *timings, peaks = records
    assert [type(record) for record in records] == [NetworkTiming, NetworkTiming, PeaksRecord]
    assert [(t.row.plugin, t.seed, t.status, t.session) for t in timings] == [
        ("a", 4, "ok", 2), ("b", 0, "ok", 2),
    ]  # fmt: skip
    assert heard.labels == ["the a", "the b"]
    a, b = timings
    assert a.metrics["latency_ms"]["median"] == pytest.approx(10)
    assert a.metrics["peak_memory_bytes"] == 5.0
    assert a.metrics["first_call_ms"] == 1.0
    assert a.absent == {"energy_measured_j": "there is no counter"}
    assert set(a.series) == set(WHATS)
    assert (a.baseline, b.baseline) == (a.row.key, a.row.key)
    assert (a.series["train"].versus, b.series["train"].versus.verdict) == (None, "tie")
    samples = folder.read_samples(a.key)
    assert {name: len(rounds) for name, rounds in samples["seconds"].items()} == {
        "latency": 2, "inference": 2, "train": 2,
    }  # fmt: skip
    assert (peaks.metrics["peak_flops"], peaks.device, peaks.session) == (1e12, "cpu", 2)


def test_what_was_trained_is_what_is_opened(carry_out, folder):
    workers, records = carry_out({"a": (4, {"test_accuracy": 0.5})}, rounds=1)
    for worker in workers.started:
        request = worker.opened
        assert isinstance(request, OpenNetwork)
        assert (request.trial.seed, request.data) == (4, "the data")
        assert request.state == str(
            folder.file("state", request.trial.key, ".safetensors").resolve()
        )
        assert request.predictions == str(
            folder.file("predictions", request.trial.key, ".safetensors").resolve()
        )
        assert worker.framework == "a-net"
    assert [worker.log.name for worker in workers.started] == [
        f"{records[0].key}.timing-{number}.log" for number in (1, 2)
    ]


def test_the_baseline_that_was_asked_for_is_that_of_the_records(carry_out):
    _, records = carry_out({"a": (0, {}), "b": (0, {})}, baseline="b")
    assert {record.baseline for record in records[:2]} == {records[1].row.key}


def test_a_row_that_fails_has_a_record_with_its_reason(carry_out):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, TakeRound):
            return Failed(status="crashed", reason="the process ended with exit code 3")
        return None

    _, (a, b, _) = carry_out({"a": (0, {}), "b": (0, {})}, answer)
    assert (a.status, a.reason) == ("crashed", "the process ended with exit code 3")
    assert a.log == f"logs/{a.key}.timing-1.log"
    assert (b.status, b.baseline) == ("ok", b.row.key)


def test_a_row_that_computes_more_than_the_device_can_is_invalid(carry_out):
    """At 1e12 operations a second, 1e11 of them take 100 ms; the worker says that they took 10."""
    _, (a, b, _) = carry_out({"a": (0, {"fewest_flops": 1e11}), "b": (0, {"fewest_flops": 1e9})})
    assert (a.status, b.status) == ("invalid", "ok")
    assert "latency" in a.reason


def test_a_variant_is_kept_beside_its_row_and_not_compared_with_others(carry_out, folder):
    trained = {"a": (4, {"test_accuracy": 0.5}), "b": (0, {})}
    workers, (a, _b, _) = carry_out(trained, variants=("compile",), sweep=True)
    opened = [(w.framework, w.opened.variant) for w in workers.started[:4]]
    assert opened == [(f"{x}-net", v) for x in "ab" for v in ("eager", "compile")]
    assert a.variants.keys() == {"compile"}
    compiled = a.variants["compile"]
    assert (compiled.status, set(compiled.series)) == ("ok", {"latency", "inference"})
    assert compiled.series["latency"].versus.verdict == "tie"
    assert "peak_memory_bytes" not in compiled.metrics
    assert a.metrics["inference_plateau"] == 200
    assert a.sweep["inference"].ended == "data"
    assert folder.read_samples(f"{a.key}-compile")["seconds"].keys() == {"latency", "inference"}


def test_a_variant_that_cannot_be_leaves_its_row_as_it_is(carry_out):
    def answer(worker, request):
        if isinstance(request, OpenNetwork) and request.variant == "graphs":
            return Failed(status="skipped", reason="CUDA graphs need a CUDA device")
        return None

    _, (a, _) = carry_out({"a": (0, {})}, answer, variants=("eager", "graphs"))
    assert a.status == "ok"
    assert a.variants["graphs"].status == "skipped"
    assert a.variants["graphs"].reason == "CUDA graphs need a CUDA device"


def test_peaks_that_cannot_be_measured_have_a_record_that_says_so(carry_out):
    def answer(worker, request):
        if isinstance(request, MeasurePeaks):
            return Failed(status="oom", reason="no room")
        return None

    _, (a, peaks) = carry_out({"a": (0, {"fewest_flops": 1e15})}, answer)
    assert (peaks.kind, peaks.status, peaks.reason) == ("peaks", "oom", "no room")
    assert a.status == "ok"
