from __future__ import annotations

from harness.coordinator.group import standing as standing_module
from harness.coordinator.processes.starter import StarterDied
from harness.protocol.events import Measured, Opened
from harness.protocol.requests import OpenProbe, WarmUp
from tests.fixtures.fake_workers import FakeWorkers
from tests.fixtures.groups import fails, rounds, subject, who


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


def test_what_cannot_be_opened_is_not_tried_in_a_second_process(group):
    _, workers = group([subject("a"), subject("b")], fails("a"))
    opened = [(who(w), w.process) for w, r in workers.asked if isinstance(r, OpenProbe)]
    assert opened == [("a", 0), ("b", 0), ("b", 1)]


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


def test_on_a_card_of_8_gb_processes_stand_in_turns_and_all_rows_have_one_batch(group, monkeypatch):
    """Each of 12 processes takes 1 GB; each row holds what the ones before have left room for.

    One that opens again may find less room than before, and takes the batch of the others all the same.
    """
    held = [10_000, 10_000, 4000, 4000, 1000, 500]
    standing = []

    def answer(key, process, request):
        if isinstance(request, OpenProbe):
            batch = 250 if (key, process) in standing else held["abcdef".index(key)]
            standing.append((key, process))
            return Opened(first_call_ms=1, batches={"inference": batch})
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
    assert isinstance(result.peaks, Measured)  # by a process that stands
    again = [r for _, r in workers.asked if isinstance(r, WarmUp)]
    assert {r.batches["inference"] for r in again} == {500}
    assert workers.most == 4
