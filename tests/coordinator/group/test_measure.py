"""The measurement group, its workers replaced by ones that answer at once.

Networks, layers and the probe are measured by this one procedure; with real workers it runs in
tests/end_to_end.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from harness.coordinator.group.measure import measure
from harness.coordinator.group.member import Procedure
from harness.protocol.events import Failed, Measured, Opened, Samples
from harness.protocol.requests import (
    MeasurePeaks,
    OpenProbe,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeValidity,
    WarmUp,
)
from tests.fixtures.groups import WHATS, fails, rounds, subject, who

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


def test_in_each_kind_of_rounds_every_process_of_a_subject_is_as_often_early_as_late(group):
    _, workers = group([subject(key) for key in "abcd"], rounds=8)
    places: dict[str, Counter] = {what: Counter() for what in WHATS}
    taken = rounds(workers)
    for start in range(0, len(taken), 4):
        for place, (key, process, request) in enumerate(taken[start : start + 4]):
            places[request.what][key, process] += place
    assert all(set(counts.values()) == {6} for counts in places.values())


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


def test_all_are_warmed_up_with_their_common_batch_before_any_round(group):
    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            return Opened(first_call_ms=1, batches={"inference": {"a": 500, "b": 100}[key]})
        return None

    _, workers = group([subject("a"), subject("b")], answer, rounds=2)
    asked = [(who(worker), worker.process, request) for worker, request in workers.asked]
    kinds = [request.type for *_, request in asked]
    last_warm = max(place for place, kind in enumerate(kinds) if kind == "warm-up")
    assert last_warm < kinds.index("round")
    warm = [each for each in asked if isinstance(each[-1], WarmUp)]
    assert [(key, process) for key, process, _ in warm] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert {tuple(request.whats) for *_, request in warm} == {WHATS}
    assert all(request.batches == {"inference": 100} for *_, request in warm)


@pytest.mark.parametrize("kind", [WarmUp, TakeMemory, TakeValidity])
def test_what_is_not_timed_is_asked_of_several_at_once_and_of_one_process_of_each(group, kind):
    at_work, together = set(), []

    def answer(key, process, request):
        if isinstance(request, kind):
            at_work.add((key, process))
            time.sleep(0.05)
            together.append(set(at_work))
            at_work.remove((key, process))

    group([subject(key, validity=True) for key in "abc"], answer, jobs=2)
    assert {len(some) for some in together} == {1, 2}
    assert all(len({process for _, process in some}) == 1 for some in together)


@pytest.mark.parametrize("timed", [TakeRound, TakeValidity])
def test_one_at_a_time_is_timed(group, timed):
    """The first process's checks compare times of calls too."""
    at_work, together = [], []

    def answer(key, process, request):
        if isinstance(request, timed) and not getattr(request, "predictions_only", False):
            at_work.append(key)
            time.sleep(0.001)
            together.append(len(at_work))
            at_work.remove(key)

    group([subject(key, validity=True) for key in "abc"], answer, jobs=2, rounds=2)
    assert set(together) == {1}


def test_progress_counts_every_step(group, heard):
    group([subject("a"), subject("b", validity=True)], rounds=2)
    done = [number for number, *_ in heard.measured]
    totals = {total for _, total, _ in heard.measured}
    assert done == sorted(done)
    assert totals == {4 + 2 + 4 + 2 * 2 * 3 + 2}
    assert done[0] == 0
    assert heard.measured[-1][2] == "done"
    assert ("latency of the a") in {what for *_, what in heard.measured}


def test_a_command_that_was_stopped_measures_no_further(fake_workers, heard):
    def stopping(worker, request):
        if isinstance(request, TakeRound):
            workers.stop()

    workers = fake_workers(stopping)
    procedure = Procedure(rounds=6, min_time=0.02, calls=3, timeout=None, jobs=1)
    with pytest.raises(KeyboardInterrupt):
        measure([subject("a")], procedure, lambda k, p: Path(f"{k}{p}"), workers, heard.measuring)
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


def test_where_nobody_stands_nothing_is_measured(group):
    result, workers = group([subject("a"), subject("b")], fails("a", "b"))
    assert {fields["status"] for fields in result.fields().values()} == {"oom"}
    assert (result.peaks, result.baseline) == (None, "")
    assert {request.type for _, request in workers.asked} == {"open-probe"}


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
    assert [found[key]["baseline"] for key in "abc"] == ["a", "a", "b"]
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


def test_all_processes_are_killed_before_the_end_of_one_is_waited_for(group):
    _, workers = group([subject("a"), subject("b")])
    assert workers.killed_at_the_first_end == 4
