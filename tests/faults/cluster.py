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
SEEDS = range(24)
#: libfaketime, as Debian installs it.
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


def port():
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def script(name):
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


class Cluster:
    """Processes that carry a mark each; `folder` holds what they print and the results.

    With a `network`, the scheduler listens there.
    """

    def __init__(self, folder, network=None):
        self.folder, self.port, self.network = folder, port(), network
        self.host = network.HERE if network else "127.0.0.1"
        self.address = f"tcp://{self.host}:{self.port}"
        self.token = f"{os.getpid()}-{time.monotonic_ns()}"
        self.nodes, self.scheduler, self._started = [], None, []
        self._read = set()

    def begin(self, nodes=2):
        """A scheduler and its nodes."""
        self.start_scheduler()
        self.nodes = [self.node() for _ in range(nodes)]

    def start_scheduler(self, **environment):
        words = [script("dask"), "scheduler", "--host", self.host, "--port", self.port]
        self.scheduler = self.start([*words, "--no-dashboard"], **environment)

    def node(self, inside=False, core=None, **environment):
        """One more node, of one slot; on the other side of the network if `inside`, on one `core`."""
        pinned = [] if core is None else ["taskset", "-c", core]
        words = [*pinned, script("dask"), "worker", self.address, "--nthreads", 1, "--no-nanny"]
        words += ["--no-dashboard", "--memory-limit", 0, "--local-directory", self.folder]
        return self.start(words, inside, **environment)

    def run(self, out, *options, inside=False, **environment):
        """Begins a run, on the cluster if there are no `options`."""
        seeds = ",".join(map(str, SEEDS))
        words = [script("harness"), "run", "--plugins", PLUGIN, "--seeds", seeds, "--limit", 200]
        words += ["--no-timing", "--out", out, *(options or self.there())]
        return self.start(words, inside, **environment)

    def resume(self, out, *options, inside=False, **environment):
        """Carries a run on, on the cluster if there are no `options`."""
        words = [script("harness"), "run", "--resume", out, *(options or self.there())]
        return self.start(words, inside, **environment)

    def there(self):
        """The options of a command that uses this cluster."""
        return ["--executor", "dask", "--scheduler", self.address]

    def alive(self):
        """The living processes, each with the one of `_started` that it belongs to."""
        owners = {self._mark(number): owner for number, owner in enumerate(self._started)}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                owner = owners.get(process.environ().get(MARK))
                if owner and process.status() != psutil.STATUS_ZOMBIE:
                    found.append((process, owner))
        return found

    def orphans(self, seconds=120.0):
        """What outlives its command or node for so long, and trials that a node runs for nobody.

        A process that imports torch ends when it has, which takes long on a machine that is busy.
        """
        until = time.monotonic() + seconds
        while True:
            left = [
                f"{process.pid} of {owner.log.name}"
                for process, owner in self.alive()
                if owner.poll() is not None
            ]
            left += [
                str(folder.relative_to(self.folder))
                for node in self.nodes
                for folder in node.scratch.glob("harness-node-*")
                if node.poll() is None
            ]
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.2)

    def unread(self):
        """What commands printed since this was asked."""
        new = set(self.folder.glob("*-harness.log")) - self._read
        self._read |= new
        return sorted(new)

    def end(self):
        for process, _ in self.alive():
            with suppress(psutil.Error):
                process.kill()

    def _mark(self, number):
        return f"{self.token}-{number}"

    def start(self, words, inside=False, **environment):
        """Starts a program with a mark of its own; what it prints goes to a log."""
        number = len(self._started)
        log = self.folder / f"{number:03}-{Path(str(words[0])).name}.log"
        scratch = self.folder / f"tmp-{number}"
        scratch.mkdir()
        words = [*(self.network.inside if inside else []), *map(str, words)]
        environment = {"TMPDIR": str(scratch), MARK: self._mark(number), **environment}
        with log.open("w") as file:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                env={**os.environ, **environment}, start_new_session=True,
            )  # fmt: skip
        process.log, process.scratch = log, Path(environment["TMPDIR"])
        self._started.append(process)
        return process


class Clock:
    """A clock that a process is started with (by `environment`), and that can jump."""

    def __init__(self, file):
        self._file = file
        self.jump(0)
        self.environment = {
            "LD_PRELOAD": FAKETIME,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # nobody can set that of a running system
            "DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, seconds):
        """The time of day is so many seconds ahead from now on."""
        partial = self._file.with_suffix(".new")
        partial.write_text(f"{seconds:+d}")
        partial.replace(self._file)


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
