"""The measurement group, its workers replaced by ones that answer at once.

Networks, layers and the probe are measured by this one procedure; with real workers it runs in
tests/end_to_end.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from harness.coordinator import standing as standing_module
from harness.coordinator.group import measure
from harness.coordinator.listener import Listener
from harness.coordinator.member import Member, Procedure, Subject
from harness.coordinator.starter import StarterDied
from harness.protocol import (
    Failed,
    Measured,
    MeasurePeaks,
    Opened,
    OpenProbe,
    Prepared,
    Samples,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeValidity,
)
from harness.results.roofline import Work

from .conftest import FakeWorkers

WHATS = ("latency", "inference", "train")


def subject(key="a", **changes):
    """A subject whose opening says whose it is, by its number of threads: 1 is a, 2 is b, ..."""
    number = 1 + "abcdefgh".index(key[0])
    fields = {
        "label": f"the {key}", "framework": f"framework-{key}", "device": "cpu", "threads": number,
        "opening": lambda _to_follow: OpenProbe(device="cpu", threads=number), "whats": WHATS,
    }  # fmt: skip
    return Subject(**{"key": key, **fields, **changes})


def who(worker):
    return "abcdefgh"[worker.opened.threads - 1]


@pytest.fixture
def group(fake_workers, heard):
    """Measures subjects; workers answer by `answer(key, process, request)`, else in the usual way."""

    def run(subjects, answer=lambda key, process, request: None, **procedure):
        workers = fake_workers(lambda w, request: answer(who(w), w.process, request))
        run.workers, run.clock = workers, workers.clock
        options = {"rounds": 6, "min_time": 0.02, "calls": 3, "timeout": None, "jobs": 1}
        result = measure(
            subjects,
            Procedure(**{**options, **procedure}),
            lambda key, process: Path(f"{key}.{process}.log"),
            workers,
            heard,
        )
        return result, workers

    return run


def rounds(workers):
    return [
        (who(worker), worker.process, request)
        for worker, request in workers.asked
        if isinstance(request, TakeRound)
    ]


# --- who is measured when -------------------------------------------------------------------------


def test_the_two_processes_of_a_subject_take_its_rounds_in_turns(group):
    _, workers = group([subject(key) for key in "abc"], rounds=6)
    taken = rounds(workers)
    assert len(taken) == 6 * 3 * len(WHATS)
    for number in range(6 * len(WHATS)):
        side_by_side = taken[3 * number : 3 * number + 3]
        assert {key for key, _, _ in side_by_side} == set("abc")  # every subject once
        assert {process for _, process, _ in side_by_side} == {number // len(WHATS) % 2}
        assert {request.what for *_, request in side_by_side} == {WHATS[number % len(WHATS)]}
    counts = Counter((key, process) for key, process, _ in taken)
    assert set(counts.values()) == {3 * len(WHATS)}


def test_the_order_of_the_subjects_is_random_and_balanced(group):
    _, workers = group([subject(key, whats=("probe",)) for key in "abcd"], rounds=8)
    keys = [key for key, _, _ in rounds(workers)]
    orders = [tuple(keys[start : start + 4]) for start in range(0, len(keys), 4)]
    assert all(second == first[::-1] for first, second in zip(orders[::2], orders[1::2]))
    assert len(set(orders)) > 2


def test_each_round_begins_with_a_subject_built_anew(group):
    _, workers = group([subject("a")], rounds=2, min_time=0.5, calls=7)
    taken = [request for *_, request in rounds(workers)]
    assert [request.fresh for request in taken] == [True, False, False] * 2
    assert {(request.seconds, request.calls) for request in taken} == {(0.5, 7)}


def test_every_subject_stands_in_two_processes_of_two_starters_before_any_round(group):
    _, workers = group([subject("a"), subject("b")])
    assert [(w.framework, w.process, str(w.log)) for w in workers.started] == [
        ("framework-a", 0, "a.0.log"), ("framework-b", 0, "b.0.log"),
        ("framework-a", 1, "a.1.log"), ("framework-b", 1, "b.1.log"),
    ]  # fmt: skip
    kinds = [request.type for _, request in workers.asked]
    assert kinds[:4] == ["open-probe"] * 4
    assert "open-probe" not in kinds[4:]


def test_the_two_processes_of_a_subject_are_not_opened_side_by_side(group):
    opening, together = set(), []

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            opening.add((key, process))
            time.sleep(0.05)
            together.append(set(opening))
            opening.remove((key, process))

    result, _ = group([subject("a"), subject("b")], answer, jobs=4)
    assert all(len({process for _, process in some}) == 1 for some in together)
    assert [[worker.process for worker in m.workers] for m in result.members] == [[0, 1]] * 2


def test_an_opening_knows_how_many_are_to_follow(group):
    followed = []

    def opening(to_follow):
        followed.append(to_follow)
        return OpenProbe(device="cpu", threads=1)

    group([subject("a", opening=opening), subject("b")])
    assert followed == [3, 1]


@pytest.mark.parametrize("kind", ["memory", "validity", "energy"])
def test_what_is_not_asked_of_a_kind_of_subject_is_left_out(group, kind):
    request = {"memory": TakeMemory, "validity": TakeValidity, "energy": TakeEnergy}[kind]

    def asked(**options):
        _, workers = group([subject("a", **options)], rounds=1)
        return sum(isinstance(r, request) for _, r in workers.asked)

    assert asked(**{kind: True}) == 1
    assert asked(**{kind: False}) == 0


def test_the_network_is_checked_once_and_the_predictions_of_both_processes(group):
    def checks(number):
        _, workers = group([subject("a", validity=True)], rounds=number)
        return [
            (worker.process, request.predictions_only)
            for worker, request in workers.asked
            if isinstance(request, TakeValidity)
        ]

    assert checks(2) == [(0, False), (1, True)]
    assert checks(1) == [(0, False)]


def test_memory_is_measured_before_the_rounds_and_the_timeout_holds_for_all(group):
    _, workers = group([subject("a", validity=True)], timeout=77.0)
    kinds = [request.type for _, request in workers.asked]
    assert kinds.index("memory") < kinds.index("round")
    assert kinds.index("round") < kinds.index("validity")
    for worker in workers.started:
        for request, timeout in zip(worker.requests, worker.timeouts):
            assert (timeout == 77.0) == (not isinstance(request, MeasurePeaks))


def test_progress_counts_every_step(group, heard):
    group([subject("a"), subject("b", validity=True)], rounds=2)
    done = [number for number, *_ in heard.measured]
    totals = {total for _, total, _ in heard.measured}
    assert done == sorted(done)
    assert totals == {4 + 2 + 2 * 2 * 3 + 2}
    assert done[0] == 0
    assert heard.measured[-1][2] == "done"
    assert ("latency of the a") in {what for *_, what in heard.measured}


def test_a_command_that_was_stopped_measures_no_further(fake_workers):
    def stopping(worker, request):
        if isinstance(request, TakeRound):
            workers.stop()

    workers = fake_workers(stopping)
    procedure = Procedure(rounds=6, min_time=0.02, calls=3, timeout=None, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        measure([subject("a")], procedure, lambda k, p: Path(f"{k}{p}"), workers, Listener())
    assert len(rounds(workers)) == 1


# --- batches --------------------------------------------------------------------------------------


def test_all_rows_take_the_batch_that_every_process_can_hold(group):
    batches = {("a", 0): 500, ("a", 1): 250, ("b", 0): 100, ("b", 1): 100}

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            found = {"inference": batches[key, process], "latency": 1}
            return Opened(first_call_ms=3.0 + process, batches=found)
        return None

    result, workers = group([subject("a"), subject("b")], answer)
    taken = {(key, request.what, request.batch) for key, _, request in rounds(workers)}
    assert {batch for key, what, batch in taken if (key, what) == ("a", "inference")} == {100}
    assert {batch for key, what, batch in taken if (key, what) == ("b", "inference")} == {100}
    assert {batch for key, what, batch in taken if what == "latency"} == {1}
    assert ("a", "train", None) in taken  # of what no batch was told, the worker's own
    a = result.fields()["a"]
    assert a["series"]["inference"].batch == 100
    assert a["metrics"]["first_call_ms"] == 3.0


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


# --- the baseline ---------------------------------------------------------------------------------


def fails(*keys, status="oom"):
    def answer(key, process, request):
        if key in keys and isinstance(request, OpenProbe):
            return Failed(status=status, reason="too large")
        return None

    return answer


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


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_process_that_cannot_open_ends_its_subject_and_the_others_go_on(group):
    def answer(key, process, request):
        if (key, process) == ("a", 1) and isinstance(request, OpenProbe):
            return Failed(status="oom", reason="too large", where="open")
        return None

    result, workers = group([subject("a"), subject("b")], answer)
    found = result.fields()
    assert found["a"] == {"status": "oom", "reason": "open: too large", "log": "logs/a.1.log"}
    assert {key for key, _, _ in rounds(workers)} == {"b"}
    assert found["b"]["status"] == "ok"
    assert found["b"]["log"] == "logs/b.0.log"


def test_where_both_processes_fail_the_first_reason_stands(group):
    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            return Failed(status="failed", reason=f"of process {process}")
        return None

    result, _workers = group([subject("a")], answer)
    assert result.fields()["a"]["reason"] == "of process 0"
    assert result.fields()["a"]["log"] == "logs/a.0.log"
    assert result.peaks is None


def test_a_round_that_fails_is_the_last_of_its_subject(group):
    def answer(key, process, request):
        if key == "b" and process == 1 and isinstance(request, TakeRound):
            return Failed(status="crashed", reason="the process was killed by SIGKILL")
        return None

    result, workers = group([subject(key) for key in "abc"], answer, rounds=6)
    found = result.fields()
    assert found["b"]["status"] == "crashed"
    assert found["b"]["log"] == "logs/b.1.log"
    counts = Counter(key for key, _, _ in rounds(workers))
    assert counts == {"a": 18, "b": 4, "c": 18}
    assert found["c"]["series"]["latency"].versus is not None


def test_checks_that_fail_make_it_invalid(group):
    def answer(key, process, request):
        if key == "a" and isinstance(request, TakeValidity):
            return Failed(status="invalid", reason="the answers were not computed")
        return None

    result, _ = group([subject("a", validity=True), subject("b", validity=True)], answer)
    assert result.fields()["a"]["status"] == "invalid"
    assert result.fields()["b"]["status"] == "ok"


def test_a_starter_that_dies_is_why_and_the_others_go_on(group, monkeypatch):
    start = FakeWorkers.start

    def dying(self, log, threads=1, framework=None, copy=0, *rest):
        if framework == "framework-a" and copy == 1:
            raise StarterDied("the process that imports a ended with exit code 4")
        return start(self, log, threads, framework, copy, *rest)

    monkeypatch.setattr(FakeWorkers, "start", dying)
    result, workers = group([subject("a"), subject("b")])
    found = result.fields()
    assert found["a"]["status"] == "crashed"
    assert found["a"]["reason"] == "start: the process that imports a ended with exit code 4"
    assert found["b"]["status"] == "ok"
    assert {key for key, _, _ in rounds(workers)} == {"b"}


def test_where_the_starter_of_the_first_process_dies_no_other_takes_its_place(group, monkeypatch):
    start = FakeWorkers.start

    def dying(self, log, threads=1, framework=None, copy=0, *rest):
        if framework == "framework-a" and copy == 0:
            raise StarterDied("died")
        return start(self, log, threads, framework, copy, *rest)

    monkeypatch.setattr(FakeWorkers, "start", dying)
    result, _ = group([subject("a"), subject("b")])
    assert result.fields()["a"]["reason"] == "start: died"
    assert isinstance(result.peaks, Measured)


def test_where_nobody_stands_nothing_is_measured(group):
    result, workers = group([subject("a"), subject("b")], fails("a", "b"))
    assert {fields["status"] for fields in result.fields().values()} == {"oom"}
    assert (result.peaks, result.baseline) == (None, "")
    assert {request.type for _, request in workers.asked} == {"open-probe"}


# --- figures that cannot be -----------------------------------------------------------------------


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


# --- the coordinator's clock ------------------------------------------------------------------------


def test_rounds_that_take_longer_than_their_calls_account_for_are_invalid(group):
    """The clock of a's worker runs at a tenth of its speed."""

    def answer(key, process, request):
        group.clock.pace = 10.0 if key == "a" else 1.0

    result, _ = group([subject("a"), subject("b")], answer, rounds=12)
    found = result.fields()
    assert found["a"]["status"] == "invalid"
    assert "account for 10% of the time" in found["a"]["reason"]
    assert found["b"]["status"] == "ok"
    assert found["b"]["facts"]["accounted"]["latency"] == pytest.approx(1)


def test_calls_that_cannot_have_fitted_their_round_are_invalid(group):
    def answer(key, process, request):
        group.clock.pace = 0.5 if key == "a" else 1.0

    result, _ = group([subject("a"), subject("b")], answer)
    assert result.fields()["a"]["reason"].startswith("the calls of a round (latency) are")
    assert result.fields()["b"]["status"] == "ok"


# --- a card that cannot hold them all -----------------------------------------------------------------


def test_on_a_card_of_8_gb_processes_stand_in_turns_and_all_rows_have_one_batch(group, monkeypatch):
    """Each of 12 processes takes 1 GB; each row holds what the ones before have left room for."""
    held = [10_000, 10_000, 4000, 4000, 1000, 500]
    standing = []

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            standing.append((key, process))
            return Opened(first_call_ms=1, batches={"inference": held["abcdef".index(key)]})
        return None

    def free(device):
        return (8 - group.workers.standing) * 10**9

    monkeypatch.setattr(standing_module, "free_memory", free)
    subjects = [subject(key, device="cuda", validity=True) for key in "abcdef"]
    result, workers = group(subjects, answer, rounds=6)
    assert {fields["status"] for fields in result.fields().values()} == {"ok"}
    assert {r.batch for *_, r in rounds(workers) if r.what == "inference"} == {500}
    assert len(rounds(workers)) == 6 * 3 * 6  # nobody's round was lost
    assert len(standing) > 12  # some were opened again
    assert workers.most == 4


# --- batch sizes --------------------------------------------------------------------------------------


def test_a_sweep_comes_after_the_checks_in_one_process_and_is_kept(group):
    result, workers = group([subject("a", sweep=True, validity=True), subject("b")], rounds=2)
    kinds = [(who(w), w.process, r.type) for w, r in workers.asked]
    assert [kind for kind in kinds if kind[2] == "sweep"] == [("a", 0, "sweep")]
    assert kinds[-1][2] == "sweep"
    a = result.fields()["a"]
    assert [point.batch for point in a["sweep"]["inference"].points] == [1, 2]
    assert a["metrics"]["inference_plateau"] == 200
    assert a["metrics"]["inference_plateau_batch"] == 2
    assert "sweep" not in result.fields()["b"]


# --- variants -----------------------------------------------------------------------------------------


def test_a_variant_takes_the_batch_of_its_row_and_is_compared_with_it_alone(group):
    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            return Opened(first_call_ms=1, batches={"inference": 250 if key == "c" else 500})
        if isinstance(request, TakeRound):
            seconds = [0.005 if key == "c" else 0.01] * 3
            return Samples(batch=request.batch or 1, series={request.what: seconds})
        return None

    variant = subject("c", whats=("inference",), comparable=False, against="b")
    result, workers = group([subject("a"), subject("b"), variant], answer, rounds=12)
    assert {r.batch for *_, r in rounds(workers) if r.what == "inference"} == {500}
    assert {r.what for key, _, r in rounds(workers) if key == "c"} == {"inference"}
    found = result.fields()
    assert found["c"]["series"]["inference"].versus.verdict == "faster"
    assert found["b"]["series"]["inference"].versus.verdict == "tie"
    assert found["c"]["series"].keys() == {"inference"}


# --- energy ---------------------------------------------------------------------------------------


def energies(workers):
    return [
        (who(worker), worker.process)
        for worker, request in workers.asked
        if isinstance(request, TakeEnergy)
    ]


def test_where_there_is_no_counter_one_subject_finds_out_for_all(group):
    subjects = [subject(key, energy=True) for key in "abc"]
    result, workers = group(subjects, fails("a"))
    assert energies(workers) == [("b", 0)]
    found = result.fields()
    for key in "bc":
        assert found[key]["absent"] == {"energy_measured_j": "there is no counter"}


def test_where_there_is_one_everybody_is_asked_even_if_one_cannot_be_measured(group):
    def answer(key, process, request):
        if isinstance(request, TakeEnergy):
            facts = {"counter": "nvml"}
            if key == "a":
                return Measured(metrics={}, absent={"energy_measured_j": "too noisy"}, facts=facts)
            return Measured(metrics={"energy_measured_j": 0.5}, facts=facts)
        return None

    subjects = [subject("a", energy=True), subject("b", energy=True), subject("c")]
    result, workers = group(subjects, answer)
    assert energies(workers) == [("a", 0), ("b", 0)]
    found = result.fields()
    assert found["a"]["absent"] == {"energy_measured_j": "too noisy"}
    assert found["b"]["metrics"]["energy_measured_j"] == 0.5
    assert found["b"]["facts"]["counter"] == "nvml"
    assert "energy_measured_j" not in found["c"]["metrics"]


def test_energy_comes_after_everything_else(group):
    _, workers = group([subject("a", energy=True, validity=True)])
    assert workers.asked[-1][1].type == "energy"


# --- a member -------------------------------------------------------------------------------------


@pytest.fixture
def member():
    return Member(subject("a"), [Path("a.timing-1.log"), Path("a.timing-2.log")])


def test_a_member_keeps_the_smaller_batch_the_first_call_and_the_facts(member):
    member.take(0, Opened(first_call_ms=3.0, batches={"x": 500, "y": 1}, facts={"one": 1}))
    member.take(1, Opened(first_call_ms=9.0, batches={"x": 250}, facts={"two": 2}))
    assert (member.batches, member.first.first_call_ms) == ({"x": 250, "y": 1}, 3.0)
    assert member.facts == {"one": 1, "two": 2}


def test_a_member_whose_process_fails_names_that_log(member):
    member.take(0, Opened(first_call_ms=1.0, batches={}))
    assert member.log == "logs/a.timing-1.log"
    member.take(1, Failed(status="oom", reason="too large"))
    assert (member.failed.status, member.log) == ("oom", "logs/a.timing-2.log")


def test_a_worker_that_answers_something_else_has_crashed(member):
    member.take(0, Prepared(path="x", facts={}))
    assert (member.failed.status, member.failed.reason) == (
        "crashed", "the worker answered 'prepared'",
    )  # fmt: skip


def test_what_the_processes_measured_is_kept_together(member):
    member.take(0, Measured(metrics={"m": 5.0}, absent={"energy_measured_j": "no"}))
    member.take(1, Measured(metrics={}, facts={"f": 1.0}))
    assert (member.metrics, member.absent) == ({"m": 5.0}, {"energy_measured_j": "no"})
    assert member.facts == {"f": 1.0}


def test_a_call_with_several_parts_is_a_series_of_each(member):
    member.take(0, Samples(batch=4, series={"forward": [1.0, 2.0], "backward": [3.0, 4.0]}))
    member.take(1, Samples(batch=4, series={"forward": [1.5], "backward": [2.5]}))
    assert member.times == {"forward": [[1.0, 2.0], [1.5]], "backward": [[3.0, 4.0], [2.5]]}
    assert member.batches == {"forward": 4, "backward": 4}
