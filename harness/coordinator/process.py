"""A worker process, from the coordinator's side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from pydantic import BaseModel, ValidationError

from harness.protocol import Event, Failed, Progress, events

_THREAD_VARIABLES = [f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")]

#: How Python runs a worker's module: unbuffered, and without the current folder on its path, where a
#: random.py or snntorch.py of the user's would take the place of the library.
SAFELY = ("-u", "-P", "-m")

#: Memory that a worker frees stays with it, as with a server's allocator or torch's own on CUDA: where
#: glibc returns it to the system after every call, page faults decide which of two equal processes
#: is faster. Variables that the user has set are kept.
_KEEP_FREED = {"MALLOC_TRIM_THRESHOLD_": str(2**40), "MALLOC_MMAP_THRESHOLD_": str(2**25)}


def worker_environment(threads: int) -> dict[str, str]:
    """The environment variables of a worker that may use `threads`."""
    return {**_KEEP_FREED, **os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}


class Process(Protocol):
    """What a worker needs of its process, whoever started it."""

    pid: int

    def wait(self) -> int:
        """Waits for the end; the exit code, or less the number of the signal that ended it."""


class Worker:
    """One process in a process group of its own, and the pipes to it.

    Used as a context: leaving it ends the whole group, however the worker fares.
    """

    def __init__(self, process: Process, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._process, self._requests, self._answers = process, requests, answers
        self._expired = False
        # A forked child that outlives the worker would hold its pipe open, and `ask` with it.
        threading.Thread(target=self._end_with_process, daemon=True).start()

    @classmethod
    def spawn(cls, log: Path, threads: int = 1, interpreter: str = sys.executable) -> Worker:
        """A fresh process of `interpreter`; what it prints goes to `log`. OSError where none starts."""
        with log.open("ab") as file:
            process = subprocess.Popen(
                [interpreter, *SAFELY, "harness.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env=worker_environment(threads),
                start_new_session=True,
            )
        assert process.stdin and process.stdout
        return cls(process, process.stdin, process.stdout)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        for pipe in (self._requests, self._answers):
            with suppress(BrokenPipeError):  # a request that the worker did not live to read
                pipe.close()
        self._process.wait()

    def kill(self) -> None:
        """Ends the worker and everything that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ask(
        self,
        request: BaseModel,
        timeout: float | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Event:
        """Sends `request` and returns its answer; after `timeout` seconds the worker is killed.

        A worker that dies or writes anything but events has answered `Failed`.
        """
        timer = threading.Timer(timeout, self._expire) if timeout else None
        if timer:
            timer.daemon = True
            timer.start()
        stage = "start"
        try:
            with suppress(BrokenPipeError):  # it has died: so there will be no answer
                self._requests.write(request.model_dump_json().encode() + b"\n")
                self._requests.flush()
            for line in self._answers:
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
            return self._death(stage, timeout)
        finally:
            if timer:
                timer.cancel()

    def _end_with_process(self) -> None:
        self._process.wait()
        self.kill()

    def _expire(self) -> None:
        self._expired = True
        self.kill()

    def _death(self, stage: str, timeout: float | None) -> Failed:
        code = self._process.wait()
        if self._expired:
            return Failed(status="timeout", reason=f"took longer than {timeout:g} s", where=stage)
        return Failed(status="crashed", reason=f"the process {ending(code)}", where=stage)


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-code, f"signal {-code}")  # real-time signals have no names
    hint = " (often the system running out of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
