"""The faults. Each happens to a run that is at work, and may happen to it many times.

`prepare` says how the run is started, `happen` does the fault, and `codes` are the exit codes of a run that
it ends; a run that it must end ends with `ends`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import contextmanager, suppress

from tests.faults.cluster import SEEDS, Clock, kill, records, result

END_SECONDS = 900
PAUSE_SECONDS = 60
#: Shorter and longer than the 30 s after which dask takes a silent connection for lost.
CUT_SECONDS = (5, 45)
#: Clocks that were wrong, either way, by a little and by a day.
JUMP_SECONDS = (-3600, 3600, -30, 86400)


class Fault:
    """One kind of fault; its docstring is its line in the table."""

    #: The exit codes that a run may end with because of it; 0 is always one if it may survive.
    codes = (0,)
    #: Whether it ends the run at once, so that it may also come while the command still starts.
    ends = False

    @contextmanager
    def prepared(self, cluster, out):
        """The options of a run's start, while faults of this kind come."""
        yield {}

    def happen(self, cluster, run, out):
        raise NotImplementedError


class Coordinator(Fault):
    """`kill -9` of the coordinator, then `--resume`"""

    codes, ends = (-9,), True

    def happen(self, cluster, run, out):
        kill(run)


class Signal(Fault):
    codes, ends = (130,), True

    @contextmanager
    def prepared(self, cluster, out):
        yield {"here": random.random() < 0.5}

    def happen(self, cluster, run, out):
        kill(run, self.number)


class Sigterm(Signal):
    """SIGTERM of the command, on the cluster or on one machine, then `--resume`"""

    number = signal.SIGTERM


class Sighup(Signal):
    """SIGHUP of the command (a closed terminal), then `--resume`"""

    number = signal.SIGHUP


class Sigquit(Signal):
    """SIGQUIT of the command (Ctrl-\\\\), then `--resume`"""

    number = signal.SIGQUIT


class Node(Fault):
    """`kill -9` of a node; another takes its place"""

    def happen(self, cluster, run, out):
        kill(cluster.nodes.pop(random.randrange(len(cluster.nodes))))
        cluster.nodes.append(cluster.node())


class Scheduler(Fault):
    """`kill -9` of the scheduler; another takes its address, new nodes join"""

    codes = (0, 2)

    def happen(self, cluster, run, out):
        kill(cluster.scheduler)
        cluster.scheduler.wait()
        old = cluster.nodes
        cluster.begin()
        for each in old:  # each ends by itself, or has joined the new one
            with suppress(subprocess.TimeoutExpired):
                each.wait(1)
            kill(each)


class CutNode(Fault):
    """the network between a node and the others cut, for 5 or 45 s, and back"""

    @contextmanager
    def prepared(self, cluster, out):
        _replaced(cluster, cluster.node(), cluster.node(inside=True))
        yield {}

    def happen(self, cluster, run, out):
        if cluster.nodes[1].poll() is not None:  # dask ends a node that it took for lost
            cluster.nodes[1] = cluster.node(inside=True)
            time.sleep(10)
        _cut(cluster)


class CutCoordinator(Fault):
    """the network between the coordinator and the others cut, for 5 or 45 s, and back"""

    codes = (0, 2)

    @contextmanager
    def prepared(self, cluster, out):
        _replaced(cluster, cluster.node(), cluster.node())
        yield {"inside": True}

    def happen(self, cluster, run, out):
        _cut(cluster)


class DiskHere(Fault):
    """disk full on the coordinator's side, then room, and `--resume`"""

    codes = (0, 2)

    @contextmanager
    def prepared(self, cluster, out):
        out.parent.mkdir()
        with _small_disk(out.parent, "8m"):
            yield {}

    def happen(self, cluster, run, out):
        filler = out.parent / "filler"
        _fill(filler)
        run.wait(END_SECONDS)
        filler.unlink(missing_ok=True)


class DiskThere(Fault):
    """disk full on a node, then room, and `--retry failed`"""

    codes = (0, 1)

    @contextmanager
    def prepared(self, cluster, out):
        disk = cluster.folder / f"disk-{out.parent.name}"
        disk.mkdir()
        self._filler = disk / "filler"
        with _small_disk(disk, "256k"):
            _replaced(cluster, cluster.node(TMPDIR=str(disk)), cluster.node())
            yield {}
            _replaced(cluster, cluster.node(), cluster.node())

    def happen(self, cluster, run, out):
        _fill(self._filler)
        run.wait(END_SECONDS)
        self._filler.unlink(missing_ok=True)


class ClockCoordinator(Fault):
    """the coordinator's clock jumps, by -1 h to +24 h"""

    @contextmanager
    def prepared(self, cluster, out):
        self._clock = Clock(out.parent.with_suffix(".clock"))
        yield self._clock.environment

    def happen(self, cluster, run, out):
        self._clock.jump(random.choice(JUMP_SECONDS))


class ClockNode(Fault):
    """a node's clock jumps"""

    @contextmanager
    def prepared(self, cluster, out):
        self._clock = Clock(out.parent.with_suffix(".clock"))
        _replaced(cluster, cluster.node(**self._clock.environment), cluster.node())
        yield {}
        _replaced(cluster, cluster.node(), cluster.node())

    def happen(self, cluster, run, out):
        self._clock.jump(random.choice(JUMP_SECONDS))


class ClockScheduler(Fault):
    """the scheduler's clock jumps; two new nodes join"""

    @contextmanager
    def prepared(self, cluster, out):
        self._clock = Clock(out.parent.with_suffix(".clock"))
        kill(cluster.scheduler)
        cluster.scheduler.wait()
        cluster.start_scheduler(**self._clock.environment)
        _replaced(cluster, cluster.node(), cluster.node())
        yield {}

    def happen(self, cluster, run, out):
        self._clock.jump(random.choice(JUMP_SECONDS))
        old, cluster.nodes = cluster.nodes, [cluster.node(), cluster.node()]
        time.sleep(10)
        for each in old:  # it may have taken them for lost
            kill(each)


class Three(Fault):
    """three runs at once in one folder of results, a fourth command in the folder of the first"""

    def happen(self, cluster, run, out):
        others = [out.with_name(f"other-{os.urandom(4).hex()}") for _ in range(2)]
        runs = [cluster.run(each) for each in others]
        fourth = cluster.resume(out)
        fourth.wait(END_SECONDS)
        text = fourth.log.read_text()
        let_in = fourth.returncode == 0 and run.poll() is not None  # the first had ended
        assert let_in or (fourth.returncode == 2 and "another command is writing to" in text), text
        for each, folder in zip(runs, others, strict=True):
            assert each.wait(END_SECONDS) == 0, each.log.read_text()[-500:]
            assert len(result(folder)) == len(SEEDS)


class Stopped(Fault):
    def process(self, cluster, run):
        raise NotImplementedError

    def happen(self, cluster, run, out):
        process = self.process(cluster, run)
        kill(process, signal.SIGSTOP)
        time.sleep(PAUSE_SECONDS)
        kill(process, signal.SIGCONT)


class StoppedNode(Stopped):
    """SIGSTOP of a node for 60 s, then SIGCONT"""

    def process(self, cluster, run):
        return random.choice(cluster.nodes)


class StoppedCoordinator(Stopped):
    """SIGSTOP of the coordinator for 60 s, then SIGCONT"""

    def process(self, cluster, run):
        return run


class StoppedScheduler(Stopped):
    """SIGSTOP of the scheduler for 60 s, then SIGCONT"""

    def process(self, cluster, run):
        return cluster.scheduler


FAULTS = {
    "coordinator": Coordinator, "node": Node, "scheduler": Scheduler,
    "cut-node": CutNode, "cut-coordinator": CutCoordinator,
    "disk-here": DiskHere, "disk-there": DiskThere,
    "clock-coordinator": ClockCoordinator, "clock-node": ClockNode, "clock-scheduler": ClockScheduler,
    "three": Three,
    "stopped-node": StoppedNode, "stopped-coordinator": StoppedCoordinator,
    "stopped-scheduler": StoppedScheduler,
    "sigterm": Sigterm, "sighup": Sighup, "sigquit": Sigquit,
}  # fmt: skip
#: Those that need a network of their own.
CUTS = {"cut-node", "cut-coordinator"}


def _replaced(cluster, *nodes):
    """These nodes in place of those that there are."""
    for each in cluster.nodes:
        kill(each)
        each.wait()
    cluster.nodes = list(nodes)


def _cut(cluster):
    cluster.network.cut()
    try:
        time.sleep(random.choice(CUT_SECONDS))
    finally:
        cluster.network.mend()


def _fill(path):
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


@contextmanager
def _small_disk(path, size):
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)


def settled(run, out):
    """Waits until a run that goes on has a record more, or has ended."""
    before, until = len(records(out)), time.monotonic() + END_SECONDS
    while run.poll() is None and len(records(out)) == before and time.monotonic() < until:
        time.sleep(0.1)
