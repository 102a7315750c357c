"""The faults. Each takes the cluster, a new folder of results, and the moment in seconds.

Each begins a run, waits for the moment (`at`), does the fault, and returns the run when it has ended, with
the exit codes that it may have.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress

from tests.faults.cluster import SEEDS, Clock, kill, records, result

END_SECONDS = 600
PAUSE_SECONDS = 60
#: Shorter and longer than the 30 s after which dask takes a silent connection for lost.
CUT_SECONDS = (5, 45)
#: A clock that was wrong, either way, and one of another time zone.
JUMP_SECONDS = (-3600, 3600, -30, 86400)
RESUMES = 2, 130


class Missed(Exception):
    """The run ended before the fault could happen: nothing is learnt from it."""


def at(moment, run, out):
    """Waits for the moment; the records that there are then."""
    time.sleep(moment)
    if run.poll() is not None:
        raise Missed
    run.before = result(out)


def ended(run, *codes):
    run.wait(END_SECONDS)
    return run, codes


def coordinator(cluster, out, moment):
    """`kill -9` of the coordinator, then `--resume`"""
    run = cluster.run(out)
    at(moment, run, out)
    kill(run)
    return ended(run, -9)


def node(cluster, out, moment):
    """`kill -9` of a node; another takes its place"""
    run = cluster.run(out)
    at(moment, run, out)
    kill(cluster.nodes.pop(random.randrange(2)))
    cluster.nodes.append(cluster.node())
    return ended(run, 0)


def scheduler(cluster, out, moment):
    """`kill -9` of the scheduler; another takes its address, new nodes join"""
    run = cluster.run(out)
    at(moment, run, out)
    kill(cluster.scheduler)
    cluster.scheduler.wait()
    old = cluster.nodes
    cluster.begin()
    result = ended(run, 0, 2)
    for each in old:  # they end by themselves, or have joined the new one
        with suppress(subprocess.TimeoutExpired):
            each.wait(1)
        kill(each)
    return result


def cut_node(cluster, out, moment):
    """the network between a node and the others cut, for 5 or 45 s, and back"""
    for each in cluster.nodes:
        kill(each)
    cluster.nodes = [cluster.node(), cluster.node(inside=True)]
    run = cluster.run(out)
    at(moment, run, out)
    cluster.network.cut()
    time.sleep(random.choice(CUT_SECONDS))
    cluster.network.mend()
    return ended(run, 0)


def cut_coordinator(cluster, out, moment):
    """the network between the coordinator and the others cut, for 5 or 45 s, and back"""
    run = cluster.run(out, inside=True)
    at(moment, run, out)
    cluster.network.cut()
    time.sleep(random.choice(CUT_SECONDS))
    cluster.network.mend()
    return ended(run, 0, 2)


def disk_here(cluster, out, moment):
    """disk full on the coordinator's side, then room, and `--resume`"""
    out.mkdir(parents=True)
    with _small_disk(out, "4m"):
        run = cluster.run(out / "run")
        try:
            at(moment, run, out / "run")
            filler = out / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            run.wait(END_SECONDS)
            filler.unlink(missing_ok=True)
        finally:
            if (out / "run").exists():
                shutil.copytree(out / "run", out.with_name(f"{out.name}-copy"), symlinks=True)
    out.rmdir()
    with suppress(FileNotFoundError):
        shutil.move(out.with_name(f"{out.name}-copy"), out)
    return run, (0, 2)


def disk_there(cluster, out, moment):
    """disk full on a node, then room, and `--retry failed`"""
    disk = cluster.folder / f"disk-{out.name}"
    disk.mkdir()
    with _small_disk(disk, "64k"):
        for each in cluster.nodes:
            kill(each)
            each.wait()
        cluster.nodes = [cluster.node(TMPDIR=str(disk)), cluster.node()]
        run = cluster.run(out)
        try:
            at(moment, run, out)
            with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(4096))
            run.wait(END_SECONDS)
        finally:
            for each in cluster.nodes:
                kill(each)
                each.wait()
            cluster.orphans()
            cluster.nodes = [cluster.node(), cluster.node()]
    return run, (0, 1)


def _clocked(name, cluster, out, moment):
    clock = Clock(out.with_suffix(".clock"))
    seconds = random.choice(JUMP_SECONDS)
    if name == "node":
        kill(cluster.nodes.pop())
        cluster.nodes.append(cluster.node(**clock.environment))
    if name == "scheduler":
        kill(cluster.scheduler)
        for each in (cluster.scheduler, *cluster.nodes):
            kill(each)
            each.wait()
        cluster.start_scheduler(**clock.environment)
        cluster.nodes = [cluster.node(), cluster.node()]
    run = cluster.run(out, **(clock.environment if name == "coordinator" else {}))
    at(moment, run, out)
    clock.jump(seconds)
    if name == "scheduler":  # it may take both for lost
        cluster.nodes += [cluster.node(), cluster.node()]
    found = ended(run, 0)
    while len(cluster.nodes) > 2:
        each = cluster.nodes.pop(0)
        kill(each)
        each.wait()
    return found


def clock_coordinator(cluster, out, moment):
    """the coordinator's clock jumps, by -1 h to +24 h"""
    return _clocked("coordinator", cluster, out, moment)


def clock_node(cluster, out, moment):
    """a node's clock jumps"""
    return _clocked("node", cluster, out, moment)


def clock_scheduler(cluster, out, moment):
    """the scheduler's clock jumps; two new nodes join"""
    return _clocked("scheduler", cluster, out, moment)


def three(cluster, out, moment):
    """three runs at once in one folder of results, a fourth command in the folder of the first"""
    others = [out.with_name(f"{out.name}-{n}") for n in "bc"]
    run, *runs = [cluster.run(each) for each in (out, *others)]
    until = time.monotonic() + END_SECONDS
    while not records(out) and run.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    run.before = result(out)
    fourth = cluster.resume(out)
    fourth.wait(END_SECONDS)
    text = fourth.log.read_text()
    let_in = fourth.returncode == 0 and run.poll() is not None  # it came when the first had ended
    assert let_in or (fourth.returncode == 2 and "another command is writing to" in text), text
    for each, folder in zip(runs, others, strict=True):
        assert each.wait(END_SECONDS) == 0, each.log.read_text()[-500:]
        assert len(result(folder)) == len(SEEDS)
    return ended(run, 0)


def _stopped(process, run, out, moment):
    at(moment, run, out)
    kill(process, signal.SIGSTOP)
    time.sleep(PAUSE_SECONDS)
    kill(process, signal.SIGCONT)
    return ended(run, 0)


def stopped_node(cluster, out, moment):
    """SIGSTOP of a node for 60 s, then SIGCONT"""
    return _stopped(random.choice(cluster.nodes), cluster.run(out), out, moment)


def stopped_coordinator(cluster, out, moment):
    """SIGSTOP of the coordinator for 60 s, then SIGCONT"""
    run = cluster.run(out)
    return _stopped(run, run, out, moment)


def stopped_scheduler(cluster, out, moment):
    """SIGSTOP of the scheduler for 60 s, then SIGCONT"""
    return _stopped(cluster.scheduler, cluster.run(out), out, moment)


def _signalled(number, cluster, out, moment):
    run = cluster.run(out, *random.choice([(), ("--jobs", "2")]))
    at(moment, run, out)
    kill(run, number)
    return ended(run, 130)


def sigterm(cluster, out, moment):
    """SIGTERM of the command, on the cluster or on one machine, then `--resume`"""
    return _signalled(signal.SIGTERM, cluster, out, moment)


def sighup(cluster, out, moment):
    """SIGHUP of the command (a closed terminal), then `--resume`"""
    return _signalled(signal.SIGHUP, cluster, out, moment)


def sigquit(cluster, out, moment):
    """SIGQUIT of the command (Ctrl-\\), then `--resume`"""
    return _signalled(signal.SIGQUIT, cluster, out, moment)


_ALL = (
    coordinator, node, scheduler, cut_node, cut_coordinator, disk_here, disk_there, three,
    clock_coordinator, clock_node, clock_scheduler, stopped_node, stopped_coordinator, stopped_scheduler,
    sigterm, sighup, sigquit,
)  # fmt: skip
FAULTS = {each.__name__.replace("_", "-"): each for each in _ALL}
#: Those that need a network of their own.
CUTS = {"cut-node", "cut-coordinator"}


class _small_disk:  # noqa: N801 (a context, used as a function)
    def __init__(self, path, size):
        self.path, self.size = path, size

    def __enter__(self):
        words = ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.path)]
        subprocess.run(words, check=True, capture_output=True)

    def __exit__(self, *_error):
        subprocess.run(["umount", "-l", str(self.path)], check=False)
