"""A real scheduler and two real nodes, and commands that use them; all of it can be killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "HARNESS_FAULTS"
PLUGIN = Path(__file__).with_name("plugin.py")
SEEDS = range(8)


def port():
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def script(name):
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


class Cluster:
    """Processes that carry one mark; `folder` holds what they print and the results."""

    def __init__(self, folder):
        self.folder, self.port = folder, port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.token = f"{os.getpid()}-{time.monotonic_ns()}"
        self.nodes, self.scheduler, self._count = [], None, 0
        self._read = set()

    def begin(self):
        self.scheduler = self._start(
            [
                script("dask"),
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                self.port,
                "--no-dashboard",
            ]
        )
        self.nodes = [self.node(), self.node()]

    def node(self, **environment):
        """One more node, of one slot."""
        words = [script("dask"), "worker", self.address, "--nthreads", 1, "--no-nanny"]
        words += ["--no-dashboard", "--memory-limit", 0, "--local-directory", self.folder]
        return self._start(words, **environment)

    def run(self, out, *options):
        """Begins a run on the cluster."""
        seeds = ",".join(map(str, SEEDS))
        words = [script("harness"), "run", "--plugins", PLUGIN, "--seeds", seeds, "--limit", 200]
        return self._start([*words, "--no-timing", "--out", out, *(options or self.there())])

    def resume(self, out, *options):
        """Carries a run on, on the cluster."""
        return self._start([script("harness"), "run", "--resume", out, *self.there(), *options])

    def there(self):
        """The options of a command that uses this cluster."""
        return ["--executor", "dask", "--scheduler", self.address]

    def left(self):
        """The living processes of workers: those that train, and those that fork them."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                marked = process.environ().get(MARK) == self.token
                words = " ".join(process.cmdline())
                if marked and process.status() != psutil.STATUS_ZOMBIE:
                    found.append((process, words))
        return found

    def workers(self):
        """The processes of trials and their starters."""
        return [process for process, words in self.left() if "harness.worker" in words]

    def unread(self):
        """What commands printed since this was asked."""
        new = set(self.folder.glob("*-harness.log")) - self._read
        self._read |= new
        return sorted(new)

    def end(self):
        for process, _ in self.left():
            with suppress(psutil.Error):
                process.kill()

    def _start(self, words, **environment):
        self._count += 1
        log = self.folder / f"{self._count:03}-{Path(str(words[0])).name}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                list(map(str, words)), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env={**os.environ, MARK: self.token, **environment}, start_new_session=True,
            )  # fmt: skip
        process.log = log
        return process


def kill(process, number=signal.SIGKILL):
    with suppress(ProcessLookupError):
        os.kill(process.pid, number)


def records(out):
    """The records of a run, as they lie there."""
    with suppress(FileNotFoundError):
        lines = (out / "records.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]
    return []


def result(out):
    """What each seed came to: accuracy and the digest of its predictions; AssertionError for doubles."""
    found = {}
    for record in records(out):
        if record["status"] != "ok":
            continue
        assert record["seed"] not in found, f"seed {record['seed']} was recorded twice"
        metrics = record["metrics"]
        found[record["seed"]] = metrics["test_accuracy"], record["predictions"]
    return found
