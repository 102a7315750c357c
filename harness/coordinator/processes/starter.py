"""Starters from the coordinator's side: processes that fork workers, each from what it has imported."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.coordinator.processes.process import SAFELY, Process, Worker, ending
from harness.coordinator.processes.survivors import has_ended, is_stopped, wait_until_gone
from harness.coordinator.processes.worker_environment import STARTERS, worker_environment

#: What all workers have in common, imported once.
COMMON = "harness.worker.preload"
#: A killed process ends at once, unless the kernel is busy for it.
_END_SECONDS = 10.0
#: A child that has ended is looked for so often, in case its starter was stopped.
LOOK_SECONDS = 1.0


class StarterDied(Exception):
    """A starter ended, or never began; the message says how."""


@dataclass
class Child:
    """A process that a starter has forked: its end is told by the starter.

    A starter that was stopped (SIGSTOP) tells nothing: `free` ends it.
    """

    pid: int
    free: Callable[[], None]
    code: Future[int] = field(default_factory=Future)

    def wait(self) -> int:
        """The exit code, or less the signal's number; SIGKILL's where the starter died too."""
        while True:
            with suppress(TimeoutError):
                return self.code.result(LOOK_SECONDS)
            if has_ended(self.pid):
                self.free()


class Starter:
    """One starter process. When it is ready, `problems` are the imports that failed, `threads` the names of
    threads that an import has started: a process with such threads is not to be forked.
    """

    def __init__(
        self,
        process: Process,
        control: socket.socket,
        name: str,
        token: str = "",
        isolated: bool = False,
    ) -> None:
        self.name, self._token, self._isolated = name, token, isolated
        self.problems: list[str] = []
        self.threads: list[str] = []
        self._death = ""  # how it ended
        self._process, self._control = process, control
        self._ready: Future[None] = Future()
        self._children: dict[int, Child] = {}
        self._forked: Future[Child] | None = None
        self._asking = threading.Lock()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @classmethod
    def spawn(
        cls, modules: list[str], threads: int, log: Path, token: str = "", interpreter: str = ""
    ) -> Starter:
        """A fresh process that imports `modules`; `token` marks all that it starts.

        `interpreter` is another Python than the one that runs here, which finds its own packages only.
        """
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as file:
            words = ["harness.worker.starter", str(theirs.fileno()), *modules]
            process = subprocess.Popen(
                [interpreter or sys.executable, *SAFELY, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=worker_environment(threads, token, isolated=bool(interpreter)) | STARTERS,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return cls(process, ours, ", ".join(modules), token, bool(interpreter))

    def branch(self, modules: list[str], log: Path) -> Starter:
        """Another starter, forked from this one, which imports `modules` too."""
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as file:
            message = {"fork": "starter", "modules": modules}
            try:
                child = self._fork(message, [theirs.fileno(), file.fileno()])
            except StarterDied:
                ours.close()
                raise
        return Starter(child, ours, ", ".join(modules), self._token, self._isolated)

    def worker(self, log: Path, threads: int) -> Worker:
        """A worker, forked in milliseconds; StarterDied where there is nobody to fork it."""
        message = {
            "fork": "worker",
            "environment": worker_environment(threads, self._token, self._isolated),
            "folder": str(Path.cwd()),
        }
        with log.open("ab") as file:
            requests_in, requests_out = os.pipe()
            answers_in, answers_out = os.pipe()
            try:
                child = self._fork(message, [requests_in, answers_out, file.fileno()])
            except StarterDied:
                os.close(requests_out)
                os.close(answers_in)
                raise
            finally:
                os.close(requests_in)
                os.close(answers_out)
        return Worker(child, os.fdopen(requests_out, "wb"), os.fdopen(answers_in, "rb"))

    def wait_until_ready(self) -> None:
        """Returns when everything is imported; StarterDied where it never will be."""
        self._ready.result()

    @property
    def lost(self) -> bool:
        """Whether it has imported everything, and died since: another one would do better."""
        return self._death != "" and self._ready.done() and self._ready.exception() is None

    def end(self) -> None:
        """Ends the starter, and with it all that it forked; returns when they have ended."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        # By a signal: importing torch's compiler makes Python print leak warnings when it exits.
        self._kill()
        self._listener.join(_END_SECONDS)

    def _free(self) -> None:
        if is_stopped(self._process.pid):
            self._kill()

    def _kill(self) -> None:
        if not self._death:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _fork(self, message: dict[str, Any], descriptors: list[int]) -> Child:
        self.wait_until_ready()
        with self._asking:
            answer: Future[Child] = Future()
            self._forked = answer
            if self._death:
                raise StarterDied(self._death)
            line = json.dumps(message).encode() + b"\n"
            with suppress(OSError):  # it has died: the answer will be that
                socket.send_fds(self._control, [line], descriptors)
            return answer.result()

    def _listen(self) -> None:
        with self._control, self._control.makefile("rb") as lines, suppress(OSError):
            for line in lines:
                message = json.loads(line)
                if "ready" in message:
                    self.problems, self.threads = message["ready"], message["threads"]
                    self._ready.set_result(None)
                elif "code" in message:
                    self._children.pop(message["pid"]).code.set_result(message["code"])
                elif self._forked is not None and "refused" in message:
                    self._forked.set_exception(StarterDied(f"cannot fork: {message['refused']}"))
                elif self._forked is not None:
                    child = self._children[message["pid"]] = Child(message["pid"], self._free)
                    self._forked.set_result(child)
        self._bury()

    def _bury(self) -> None:
        """The starter has died: whoever waits for it, or for a child of its, learns that now."""
        self._death = f"the process that imports {self.name} {ending(self._process.wait())}"
        error = StarterDied(self._death)
        if not self._ready.done():
            self._ready.set_exception(error)
        if self._forked is not None and not self._forked.done():
            self._forked.set_exception(error)
        for child in list(self._children.values()):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            wait_until_gone(child.pid, _END_SECONDS)
            child.code.set_result(-signal.SIGKILL)
