"""Layers: proofs, then a group for each size; workers are replaced by ones that answer at once."""

from __future__ import annotations

import pytest

from harness.config.options import LayersConfig, make_config
from harness.coordinator.layers import LayersBench, forecast
from harness.plugin.contract import Neuron
from harness.protocol.events import Failed, Opened, Proved, Samples
from harness.protocol.requests import MeasurePeaks, OpenLayer, ProveLayer, TakeRound
from harness.results.record import LayerTiming, latest
from harness.results.roofline import Peaks
from harness.results.session import Session
from harness.results.store import RECORDS, RunFolder
from harness.subjects import LayerRow, LayerSize

FACTS = {
    "unlike": "", "nonzero": 10, "layer_input_density": 0.5, "layer_output_density": 0.1,
    "spikes_compared": 100, "spikes_differing": 0, "weight_gradient_error": 0.0,
}  # fmt: skip


def proved(reason=""):
    metrics = {"spikes_compared": 100, "spikes_differing": 7 if reason else 0}
    return Proved(reason=reason, metrics=metrics)


def layer_answer(request, seconds=0.01, **facts):
    match request:
        case ProveLayer():
            return proved()
        case OpenLayer():
            return Opened(first_call_ms=1.0, batches={"layer": 2}, facts=FACTS | facts)
        case TakeRound():
            parts = {"forward": 0.4 * seconds, "backward": 0.6 * seconds, "total": seconds}
            return Samples(batch=2, series={name: [s] for name, s in parts.items()})
    return None


@pytest.fixture
def folder(tmp_path):
    made = RunFolder.create(tmp_path / "run", "layers")
    made.begin(Session())
    return made


@pytest.fixture
def bench(folder, make_plugin, fake_workers, heard):
    """Carries out layers of the plugins `names`; returns (workers, records). Again and again."""

    def run(names, answer=lambda worker, request: None, session=0, changes=None, **options):
        small = {"neurons": [8], "density": [1], "steps": 5, "batch": 2, "proved": [0.9]}
        config = make_config(LayersConfig, {"plugins": ("all",), **small, "rounds": 2, **options})
        plugins = [
            make_plugin(name, framework=f"{name}-net", **(changes or {}).get(name, {}))
            for name in names
        ]
        workers = fake_workers(lambda w, request: answer(w, request) or layer_answer(request))
        LayersBench(config, folder, session, workers, heard).carry_out(plugins, "cpu")
        records, _problems = folder.records()
        return workers, records

    return run


def of(records, kind):
    return [record for record in records if record.kind == kind]


def timings(records):
    return {
        (r.row.plugin, r.row.size.neurons, r.row.size.density): r
        for r in of(latest(records), "layer-timing")
    }


# --- proofs ---------------------------------------------------------------------------------------


def test_every_framework_is_proved_for_every_neuron_and_then_timed(bench, heard):
    _, records = bench("ab", proved=[0.5, 0.9], neurons=[8, 16], density=[1, 0.5])
    proofs = of(records, "layer-proof")
    assert [(p.row.plugin, p.neuron.beta, p.neuron.detach) for p in proofs] == [
        (name, beta, detach) for name in "ab" for beta in (0.5, 0.9) for detach in (True, False)
    ]
    assert {proof.status for proof in proofs} == {"ok"}
    assert proofs[0].metrics["spikes_compared"] == 100
    assert set(timings(records)) == {(n, s, d) for n in "ab" for s in (8, 16) for d in (1, 0.5)}
    assert heard.messages == ["a: 4 of 4 neurons equal", "b: 4 of 4 neurons equal"]
    assert heard.labels[0] == "a neurons=8 density=1"
    assert [record.kind for record in records].index("layer-timing") > len(proofs)


def test_a_framework_that_refuses_the_timed_neuron_is_not_timed_and_says_why(bench, heard):
    def answer(worker, request):
        if (
            worker.framework == "a-net"
            and isinstance(request, ProveLayer)
            and (request.neuron.beta == 0.9)
        ):
            return Failed(status="skipped", reason="nine tenths are too much")
        return None

    workers, records = bench("ab", answer, proved=[0.5])
    assert "a: 2 of 4 neurons equal; refused: nine tenths are too much" in heard.messages
    record = timings(records)["a", 8, 1]
    assert (record.status, record.reason) == ("skipped", "nine tenths are too much")
    assert (record.equal, record.metrics) == (False, {})
    assert timings(records)["b", 8, 1].status == "ok"
    opened = {w.framework for w, request in workers.asked if isinstance(request, OpenLayer)}
    assert opened == {"b-net"}


def test_a_layer_that_is_not_the_neuron_is_timed_and_compared_with_nobody(bench, heard):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, ProveLayer):
            return proved("7 of 100 spikes differ")
        return None

    _, records = bench("abc", answer)
    found = timings(records)
    assert of(records, "layer-proof")[0].status == "invalid"
    a, b, c = (found[name, 8, 1] for name in "abc")
    assert (a.status, a.equal, b.equal) == ("ok", False, True)
    assert {record.baseline for record in (a, b, c)} == {b.key}
    assert a.series["total"].versus is None
    assert c.series["total"].versus is not None
    assert "a: 0 of 2 neurons equal; invalid: 7 of 100 spikes differ" in heard.messages


def test_a_plugin_that_is_not_ready_is_told_without_starting_it(bench):
    changes = {"a": {"status": "missing", "reason": "x is not installed", "install": "pip x"}}
    changes["b"] = {"status": "broken", "reason": "line 1: invalid syntax"}
    workers, records = bench("abc", changes=changes)
    found = timings(records)
    assert (found["a", 8, 1].status, found["a", 8, 1].reason) == (
        "skipped", "x is not installed; pip x",
    )  # fmt: skip
    assert found["b", 8, 1].status == "failed"
    assert "invalid syntax" in found["b", 8, 1].reason
    assert {worker.framework for worker in workers.started} == {"c-net"}


def test_a_worker_that_dies_at_one_proof_is_replaced_for_the_next(bench):
    def answer(worker, request):
        if isinstance(request, ProveLayer) and request.neuron.detach:
            return Failed(status="crashed", reason="the process ended with exit code 1")
        return None

    _, records = bench("a", answer)
    assert [proof.status for proof in of(records, "layer-proof")] == ["crashed", "ok"]


# --- sizes ----------------------------------------------------------------------------------------


def test_a_layers_record_holds_its_times_densities_and_bounds(bench, folder):
    workers, records = bench("a")
    (record,) = of(records, "layer-timing")
    assert isinstance(record, LayerTiming)
    assert record.metrics["total_ms"]["median"] == pytest.approx(10)
    assert record.metrics["forward_ms"]["median"] == pytest.approx(4)
    assert record.metrics["layer_output_density"] == 0.1
    assert record.metrics["total_bound_ms"] == pytest.approx(
        record.metrics["forward_bound_ms"] + record.metrics["backward_bound_ms"], rel=0.5
    )
    assert 0 < record.metrics["roofline_share"] < 1
    assert record.facts["nonzero"] == 10
    samples = folder.read_samples(record.key)
    assert [len(samples["seconds"][name]) for name in ("forward", "backward", "total")] == [2] * 3
    (peaks,) = of(records, "peaks")
    assert peaks.metrics["peak_flops"] == 1e12
    followed = [r.to_follow for _, r in workers.asked if isinstance(r, OpenLayer)]
    assert followed == [1, 0]


def test_times_that_no_device_could_reach_are_refused(bench):
    def answer(worker, request):
        if isinstance(request, MeasurePeaks):
            from harness.protocol.events import Measured

            return Measured(metrics={"peak_flops": 1e3, "peak_bandwidth": 1e12})
        return None

    _, records = bench("a", answer)
    (record,) = of(records, "layer-timing")
    assert record.status == "invalid"
    assert "forward" in record.reason


def test_a_layer_that_computes_something_else_in_this_size_is_invalid(bench):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, OpenLayer):
            return layer_answer(request, unlike="5 spikes differ from the equations'")
        return None

    _, records = bench("ab", answer)
    found = timings(records)
    assert (found["a", 8, 1].status, found["a", 8, 1].reason) == (
        "invalid", "5 spikes differ from the equations'",
    )  # fmt: skip
    assert found["b", 8, 1].status == "ok"


def test_a_size_that_would_take_too_long_by_the_one_before_is_left_out(bench):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, TakeRound):
            return layer_answer(request, seconds=2.0)
        return None

    _workers, records = bench("ab", answer, neurons=[8, 800], timeout=60)
    found = timings(records)
    assert found["a", 8, 1].status == "ok"
    assert found["a", 800, 1].status == "skipped"
    assert "by the size before, more than --timeout" in found["a", 800, 1].reason
    assert found["b", 800, 1].status == "ok"


@pytest.mark.parametrize("status", ["timeout", "oom", "crashed"])
def test_after_a_size_that_was_too_much_no_larger_one_is_tried(bench, status):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, OpenLayer):
            return Failed(status=status, reason="too much")
        return None

    _, records = bench("ab", answer, neurons=[8, 16])
    found = timings(records)
    assert found["a", 8, 1].status == status
    assert (found["a", 16, 1].status, found["a", 16, 1].reason) == (
        "skipped", f"{status} at 8 neurons: not tried",
    )  # fmt: skip


@pytest.mark.parametrize("named", ["b", "b-net"])
def test_the_baseline_is_named_by_its_plugin_or_its_framework(bench, named):
    _, records = bench("ab", baseline=named)
    found = timings(records)
    assert {record.baseline for record in found.values()} == {found["b", 8, 1].key}


def test_a_forecast_grows_with_the_neurons_and_their_products():
    def size(neurons, density=1.0):
        return LayerSize(neurons=neurons, steps=1, batch=1, density=density)

    def taken(seconds, status="ok", **of):
        row = LayerRow(plugin="a", framework="f", neuron=Neuron(0.9), size=size(**of))
        metrics = {} if seconds is None else {"total_ms": {"median": 1000 * seconds}}
        return LayerTiming(row=row, status=status, metrics=metrics)

    assert forecast(size(100), [], None) == 0
    before = [taken(9.0, neurons=50), taken(1.0, neurons=100), taken(None, "oom", neurons=200)]
    assert forecast(size(300), before, None) == 9  # the last that was measured
    assert forecast(size(300, 0.1), before, None) == 0  # nothing is known of this density
    fast, slow = Peaks(1e30, 1e30), Peaks(1.0, 1.0)
    assert forecast(size(300), before, fast) == pytest.approx(3)
    assert forecast(size(300), before, slow) == pytest.approx(3 + 2 * 2 * 300 * 300)


# --- carried on -----------------------------------------------------------------------------------


def test_what_has_a_record_is_not_made_again(bench, folder):
    bench("ab", neurons=[8])
    folder.begin(Session())
    workers, records = bench("ab", neurons=[8, 16], session=1)
    asked = [request for _, request in workers.asked]
    assert not any(isinstance(request, ProveLayer) for request in asked)
    assert {r.row.size.neurons for r in asked if isinstance(r, OpenLayer)} == {16}
    assert [(r.row.size.neurons, r.session) for r in of(records, "layer-timing")] == [
        (8, 0), (8, 0), (16, 1), (16, 1),
    ]  # fmt: skip
    workers, again = bench("ab", neurons=[8, 16])
    assert (workers.started, again) == ([], records)


def test_what_gave_up_before_gives_up_when_carried_on(bench):
    def answer(worker, request):
        if worker.framework == "a-net" and isinstance(request, OpenLayer):
            return Failed(status="oom", reason="too much")
        return None

    bench("ab", answer, neurons=[8])
    _, records = bench("ab", neurons=[8, 16])
    assert timings(records)["a", 16, 1].reason == "oom at 8 neurons: not tried"


def test_an_interrupted_proof_costs_that_proof_and_an_interrupted_size_that_size(bench):
    def interrupt(at):
        def answer(worker, request):
            if at(request):
                raise KeyboardInterrupt
            return

        return answer

    with pytest.raises(KeyboardInterrupt):
        bench("a", interrupt(lambda r: isinstance(r, ProveLayer) and not r.neuron.detach))
    with pytest.raises(KeyboardInterrupt):
        workers, _ = bench(
            "a",
            interrupt(lambda r: isinstance(r, OpenLayer) and r.row.size.neurons == 16),
            neurons=[8, 16],
        )
    workers, records = bench("a", neurons=[8, 16])
    assert len(of(records, "layer-proof")) == 2
    assert {r.row.size.neurons for _, r in workers.asked if isinstance(r, OpenLayer)} == {16}
    assert set(timings(records)) == {("a", 8, 1), ("a", 16, 1)}


def test_a_framework_that_has_changed_is_proved_anew_and_its_sizes_measured_side_by_side(bench):
    bench("ab")
    workers, _records = bench("ab", changes={"a": {"digest": "new"}}, session=0)
    proved_again = {w.framework for w, r in workers.asked if isinstance(r, ProveLayer)}
    opened_again = {w.framework for w, r in workers.asked if isinstance(r, OpenLayer)}
    assert proved_again == {"a-net"}
    assert opened_again == {"a-net", "b-net"}  # rows of two sittings do not compare


def test_a_changed_host_makes_everything_anew(bench, folder):
    bench("a")
    number = folder.begin(Session(host={"digest": "new"}))
    workers, records = bench("a", session=number)
    assert any(isinstance(request, ProveLayer) for _, request in workers.asked)
    assert {record.session for record in latest(records) if record.kind != "peaks"} == {number}


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_torn_last_line_costs_one_record(bench, folder, kept):
    """Killed while it wrote: what was written before is kept, and only the torn one made again."""
    _, whole = bench("ab")
    path = folder.path / RECORDS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: 4 + kept - 1]) + lines[4 + kept - 1][:-20])
    workers, records = bench("ab")
    missing = [request for _, request in workers.asked if isinstance(request, ProveLayer)]
    assert len(missing) == (1 if kept == 0 else 0)
    assert len(folder.records()[1]) == 1
    assert set(timings(records)) == set(timings(whole))
    assert len(of(latest(records), "layer-proof")) == 4
