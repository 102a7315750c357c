"""A worker process, from the coordinator's side."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Protocol

from pydantic import BaseModel, ValidationError

from harness.coordinator.processes.survivors import kill_survivors, kills_by_the_kernel
from harness.coordinator.processes.worker_environment import worker_environment
from harness.protocol.events import Event, Failed, Progress, events

#: How Python runs a worker's module: unbuffered, and without the current folder on its path, where a
#: random.py or snntorch.py of the user's would take the place of the library.
SAFELY = ("-u", "-P", "-m")

_READ_BYTES = 2**16


class Process(Protocol):
    """What a worker needs of its process, whoever started it."""

    pid: int

    def wait(self) -> int:
        """Waits for the end; the exit code, or less the number of the signal that ended it."""


class Worker:
    """One process in a process group of its own, and the pipes to it.

    Used as a context: leaving it ends the whole group, however the worker fares. What carries `token` in
    its environment ends with the worker, also outside of the group.
    """

    def __init__(
        self, process: Process, requests: IO[bytes], answers: IO[bytes], token: str = ""
    ) -> None:
        self._process, self._requests, self._answers = process, requests, answers
        self._token, self._unread = token, b""
        self._ended_by: Failed | None = None
        self._asking = threading.Lock()
        self._kills = kills_by_the_kernel()
        # A process that outlives the worker may hold its pipe open: its death has a pipe of its own.
        self._death_shows, self._death = os.pipe()
        threading.Thread(target=self._end_with_process, daemon=True).start()

    @classmethod
    def spawn(cls, log: Path, threads: int = 1, interpreter: str = "", token: str = "") -> Worker:
        """A fresh process of `interpreter`; what it prints goes to `log`. OSError where none starts.

        "" is the interpreter that runs here; another finds its own packages only.
        """
        token = f"{token}.{uuid.uuid4().hex}"
        with log.open("ab") as file:
            process = subprocess.Popen(
                [interpreter or sys.executable, *SAFELY, "harness.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=worker_environment(threads, token, isolated=bool(interpreter)),
                start_new_session=True,
            )
        assert process.stdin and process.stdout
        return cls(process, process.stdin, process.stdout, token)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self._process.wait()
        with self._asking:  # another thread may still read
            for pipe in (self._requests, self._answers):
                with suppress(BrokenPipeError):  # a request that the worker did not live to read
                    pipe.close()
            os.close(self._death_shows)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def kill(self) -> None:
        """Ends the worker and everything in its process group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, reason: Failed) -> None:
        """Ends the worker: `reason`, with the stage it is in, answers what it was asked."""
        self._ended_by = reason
        self.kill()

    def ask(
        self,
        request: BaseModel,
        timeout: float | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Event:
        """Sends `request` and returns its answer; after `timeout` seconds the worker is killed.

        What the worker says it has `spent` in an earlier process counts. A worker that dies or writes
        anything but events has answered `Failed`.
        """
        deadline = _Deadline(self, timeout) if timeout else None

        def heard(event: Progress) -> None:
            if deadline and event.spent:
                deadline.shorten(event.spent)
            progress(event)

        try:
            with self._asking:
                return self._answer(request, heard)
        finally:
            if deadline:
                deadline.cancel()

    def _answer(self, request: BaseModel, progress: Callable[[Progress], None]) -> Event:
        stage = "start"
        if self._requests.closed:
            return self._why(stage)
        with suppress(BrokenPipeError):  # it has died: so there will be no answer
            self._requests.write(request.model_dump_json().encode() + b"\n")
            self._requests.flush()
        for line in self._lines():
            try:
                event = events.validate_json(line)
            except ValidationError:
                if not line.endswith(b"\n"):  # cut off by the worker's end, which tells more
                    break
                self.kill()
                return Failed(
                    status="crashed",
                    reason=f"the worker wrote no event but {line[:80]!r}",
                    where=stage,
                )
            if not isinstance(event, Progress):
                return event
            stage = event.stage
            progress(event)
        return self._why(stage)

    def _lines(self) -> Iterator[bytes]:
        """The lines that the worker writes until it has died; the last may be cut off."""
        answers = self._answers.fileno()
        poll = select.poll()
        for descriptor in (answers, self._death_shows):
            poll.register(descriptor, select.POLLIN)
        while True:
            line, newline, rest = self._unread.partition(b"\n")
            if newline:
                self._unread = rest
                yield line + newline
                continue
            ready = {descriptor for descriptor, _ in poll.poll()}
            more = os.read(answers, _READ_BYTES) if answers in ready else b""
            if not more:
                break
            self._unread += more
        if self._unread:
            yield self._unread

    def _end_with_process(self) -> None:
        self._process.wait()
        self.kill()
        if self._token:
            kill_survivors(self._token)
        os.close(self._death)

    def _why(self, stage: str) -> Failed:
        """What the worker's death means."""
        code = self._process.wait()
        if self._ended_by:
            return self._ended_by.model_copy(update={"where": stage})
        if code == -signal.SIGKILL and kills_by_the_kernel() > self._kills:
            reason = "the system ran out of memory and killed the process"
            return Failed(status="oom", reason=reason, where=stage)
        return Failed(status="crashed", reason=f"the process {ending(code)}", where=stage)


class _Deadline:
    """Ends `worker` when `timeout` seconds have passed."""

    def __init__(self, worker: Worker, timeout: float) -> None:
        self._worker, self._timeout, self._start = worker, timeout, monotonic()
        self._timer = self._started(timeout)

    def shorten(self, seconds: float) -> None:
        """So many seconds of it have passed already before."""
        self.cancel()
        left = self._start + self._timeout - seconds - monotonic()
        self._timer = self._started(max(left, 0.0))

    def cancel(self) -> None:
        """The answer has come."""
        self._timer.cancel()

    def _started(self, seconds: float) -> threading.Timer:
        expired = Failed(status="timeout", reason=f"took longer than {self._timeout:g} s")
        timer = threading.Timer(seconds, self._worker.end, [expired])
        timer.daemon = True
        timer.start()
        return timer


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-code, f"signal {-code}")  # real-time signals have no names
    hint = " (often the system running out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
