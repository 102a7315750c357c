"""`python -m harness.worker.starter FD MODULE ...`: imports modules once, then forks workers.

The coordinator holds the other end of the socket FD. Each of its messages is a line of JSON with
descriptors: `{"fork": "worker", "environment": {...}, "folder": ...}` with those of a worker's
standard input, output and error, or `{"fork": "starter", "modules": [...]}` with the socket and the log
of another starter, which has everything imported that this one has. Answers are lines of JSON:
`{"ready": [problem, ...], "threads": [name, ...]}` once, `{"pid": ...}` for each fork, or
`{"refused": reason}`, and `{"pid": ..., "code": ...}` when a child has ended.

A starter runs no thread, no OpenMP region and no CUDA: what these hold does not survive a fork. Where an
import has started threads or CUDA all the same, it tells their names, and nothing is forked from it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, NoReturn

from harness.worker.descendants import become_subreaper, children, kill_children

_MESSAGE_BYTES = 2**20
_DESCRIPTORS = 3


class Starter:
    """Serves one control socket; its children are killed with their process groups when that closes."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._own: set[int] = set()  # what an import has started

    def preload(self, modules: list[str]) -> None:
        """Imports `modules` and tells what could not be: a worker that needs it will say so itself."""
        problems = []
        gc.disable()  # an import makes objects that stay: to look for garbage takes a fifth of its time
        for module in modules:
            try:
                importlib.import_module(module)
            except BaseException as error:
                traceback.print_exc()
                problems.append(f"{module}: {type(error).__name__}: {error}")
        threads = [thread.name for thread in threading.enumerate()[1:]]
        if (cuda := sys.modules.get("torch.cuda")) and cuda.is_initialized():
            threads.append("CUDA")
        # What is imported is never garbage: no collection in a child touches, and copies, its pages.
        gc.collect()
        gc.freeze()
        gc.enable()
        self._own = children()
        self._say({"ready": problems, "threads": threads})

    def serve(self) -> NoReturn:
        """Forks as asked, and tells which children have ended."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._control:
                        self._receive((woken, wake))
                    else:
                        os.read(woken, 512)
                        self._reap()

    def _receive(self, private: tuple[int, int]) -> None:
        try:
            line, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, _DESCRIPTORS)
        except OSError:
            line, descriptors = b"", []
        if not line:
            self._end()
        while not line.endswith(b"\n"):
            line += self._control.recv(_MESSAGE_BYTES)
        try:
            pid = self._fork(json.loads(line), descriptors, private)
        except OSError as error:  # no memory, or too many processes: others may fork later
            self._say({"refused": str(error)})
        else:
            self._children.add(pid)
            self._say({"pid": pid})
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _fork(
        self, message: dict[str, Any], descriptors: list[int], private: tuple[int, int]
    ) -> int:
        """The child's process id, when it leads a process group of its own."""
        alone, ready = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(alone)
            os.close(ready)
            raise
        if pid:
            os.close(ready)
            os.read(alone, 1)  # returns at the end of the pipe: the child has called setsid
            os.close(alone)
            return pid
        try:
            os.setsid()
            for descriptor in (alone, ready, *private):
                os.close(descriptor)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            if message["fork"] == "worker":
                _become_worker(message, descriptors)
            _become_starter(message, descriptors)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    def _reap(self) -> None:
        while self._children:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid not in self._children:
                continue
            self._children.discard(pid)
            # First: what a worker has left behind may hold its pipe.
            kill_children(spared=self._children | self._own)
            self._say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        """The coordinator has gone: nothing that was started here outlives it."""
        for pid in self._children:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        kill_children()
        os._exit(0)


def _become_worker(message: dict[str, Any], descriptors: list[int]) -> None:
    from harness.worker.__main__ import main

    os.environ.clear()
    os.environ.update(message["environment"])
    os.chdir(message["folder"])
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    main()


def _become_starter(message: dict[str, Any], descriptors: list[int]) -> None:
    control, log = descriptors
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    run(socket.socket(fileno=control), message["modules"])


def run(control: socket.socket, modules: list[str]) -> NoReturn:
    """Imports `modules`, then serves `control`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator's to handle, while importing too
    become_subreaper()
    starter = Starter(control)
    starter.preload(modules)
    starter.serve()


if __name__ == "__main__":
    run(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
