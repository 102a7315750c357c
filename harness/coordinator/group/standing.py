"""The processes of a measurement group: who stands, and how a process is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from harness.coordinator.group.capacity import Capacity
from harness.coordinator.group.member import Member, Procedure
from harness.coordinator.group.rounds import Step
from harness.coordinator.processes.devices import free_memory
from harness.coordinator.processes.pool import Workers, spread
from harness.coordinator.processes.starter import StarterDied
from harness.protocol.events import Event, Failed, Opened
from harness.protocol.requests import Request, TakeValidity, WarmUp
from harness.results.comparison import PROCESSES


class Standing:
    """The processes of a group: opened at the start, and again where a GPU holds only some at a time."""

    def __init__(
        self, procedure: Procedure, workers: Workers, stack: ExitStack, device: str
    ) -> None:
        self._procedure, self._workers, self._stack = procedure, workers, stack
        self._on_gpu = device.startswith("cuda")
        self._ends: dict[tuple[str, int], ExitStack] = {}
        self._capacity: Capacity[tuple[Member, int]] = Capacity(
            lambda place: self._end(*place),
            (lambda: free_memory(device)) if self._on_gpu else lambda: None,
        )

    def open(self, members: Sequence[Member], say: Callable[[int, str], None]) -> None:
        """Opens each member's processes.

        Not the two of one member side by side: what they had in common would not show in their
        difference. On a GPU one at a time, so that each finds out what memory is left.
        """
        done = 0
        say(done, "opening")
        for process in range(PROCESSES):
            opening = [member for member in members if not member.failed]
            done = PROCESSES * len(members) - (PROCESSES - process) * len(opening)
            to_follow = len(opening) * (PROCESSES - process)
            calls = [
                partial(self._open_one, member, process, to_follow - place)
                for place, member in enumerate(opening, start=1)
            ]
            for member, event in spread(calls, self._jobs, self._workers):
                member.take(process, event)
                done += 1
                say(done, f"opening {member.subject.label}")

    def ask_together(self, steps: Sequence[Step], say: Callable[[int, str], None]) -> None:
        """Asks for what is not timed, of several members at once, and keeps their answers.

        Never of the two processes of a member; on a GPU, whose memory they share, one after another.
        """

        def asked(member: Member, process: int, request: Request, words: str) -> str:
            if not member.failed:
                self.ask(member, process, request)
            return f"{words} of {member.subject.label}"

        done = 0
        for *_, words in steps[:1]:
            say(done, words)
        for process in range(PROCESSES):
            calls = [partial(asked, *step) for step in steps if step[1] == process]
            for words in spread(calls, self._jobs, self._workers):
                done += 1
                say(done, words)

    def ask(self, member: Member, process: int, request: Request) -> None:
        """Asks a process and keeps its answer; opens it again first, where it had to make room."""
        if member.workers[process] is None:
            self._open_again(member, process)
        if not member.failed:
            self._capacity.use((member, process))
            member.ask(process, request, self._procedure.timeout)

    def end(self, members: Sequence[Member]) -> None:
        """Kills all that stand, so that they end side by side: the context waits for one after another."""
        for member in members:
            for worker in member.workers:
                if worker is not None:
                    worker.kill()

    @property
    def _jobs(self) -> int:
        return 1 if self._on_gpu else self._procedure.jobs

    def _open_one(self, member: Member, process: int, to_follow: int) -> tuple[Member, Event]:
        subject = member.subject
        self._capacity.make_room()
        end = self._stack.enter_context(ExitStack())
        try:
            worker = end.enter_context(
                self._workers.start(
                    member.logs[process],
                    subject.threads,
                    subject.framework,
                    process,
                    subject.interpreter,
                )
            )
        except StarterDied as reason:
            return member, Failed(status="crashed", reason=str(reason), where="start")
        self._ends[subject.key, process] = end
        if process < len(member.workers):
            member.workers[process] = worker
        else:
            member.workers.append(worker)
        event = worker.ask(subject.opening(to_follow), self._procedure.timeout)
        self._capacity.opened((member, process))
        return member, event

    def _open_again(self, member: Member, process: int) -> None:
        """Opens a process once more; its batches are those of the group, whatever it finds room for now."""
        _, event = self._open_one(member, process, 0)
        if not isinstance(event, Opened):
            member.take(process, event)
            return
        warm_up = WarmUp(whats=list(member.subject.whats), batches=dict(member.batches))
        member.ask(process, warm_up, self._procedure.timeout)

    def _end(self, member: Member, process: int) -> None:
        """Ends a process that makes room; what it has timed is checked before it is gone."""
        if member.subject.validity and not member.failed and member.times:
            checks = TakeValidity(predictions_only=True)
            member.ask(process, checks, self._procedure.timeout)
        self._ends.pop((member.subject.key, process)).close()
        member.workers[process] = None
