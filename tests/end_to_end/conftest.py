"""The installed command as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("harness"))


class Started(subprocess.Popen):
    """A command in a process group of its own; `left` tells which processes of it still live."""

    def __init__(self, words, environment, marked):
        variable, self._processes_of = marked
        self._token = f"{os.getpid()}-{time.monotonic_ns()}"
        super().__init__(
            [COMMAND, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, variable: self._token},
            start_new_session=True,
        )

    def left(self):
        """The processes that it started, or they, and that are alive."""
        return [process for process in self._processes_of(self._token) if process.pid != self.pid]

    def clean_up(self):
        """Whatever a failing test has left behind."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()
        for process in self.left():
            with suppress(Exception):
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            self.communicate(timeout=60)


@pytest.fixture(scope="session")
def start(cache, marked):
    """Starts `harness` with `words`, its output in pipes; nothing of it outlives the tests."""
    environment = {**os.environ, "HARNESS_CACHE": str(cache), "COLUMNS": "200"}
    environment.pop("HARNESS_DATA", None)
    started = []

    def process(*words):
        started.append(Started(words, environment, marked))
        return started[-1]

    yield process
    for command in started:
        command.clean_up()


def records(folder):
    """The records of a run as plain JSON objects, in the order in which they were written."""
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def lines():
    """The records of a run as plain JSON objects: trials and timings apart, by plugin and seed."""

    def read(folder):
        found = {"trial": {}, "network-timing": {}, "peaks": {}}
        for record in records(folder):
            if record["kind"] == "peaks":
                continue
            key = record["row"]["plugin"], record["seed"]
            assert key not in found[record["kind"]], "a trial was repeated"
            found[record["kind"]][key] = record
        return found["trial"], found["network-timing"]

    return read
