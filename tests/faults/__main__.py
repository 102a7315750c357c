"""Repeats the faults of docs/reliability.md: python -m tests.faults [--faults NAME,NAME] [--tries N].

Each fault happens at a random moment of a real run on a real scheduler and two nodes: after so many
records, and up to 3 s. One that comes when the run has ended counts as missed, not as passed. The run is
then carried on where it ended early. It has failed where a record was lost or doubled, an accuracy or a
prediction differs from an undisturbed run's on this machine, a command printed a traceback, or a
process outlives its command.
"""

from __future__ import annotations

import argparse
import collections
import random
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.cluster import SEEDS, Cluster, kill, records, result

END_SECONDS = 600
GOOD, MISSED = "as wanted", "missed: the run had ended"


def coordinator(cluster, out, moment, options):
    """kill -9 of the coordinator, then --resume."""
    run = cluster.run(out)
    _until(run, out, moment)
    kill(run)
    return run.wait(END_SECONDS), (-9, 0)


def node(cluster, out, moment, options):
    """kill -9 of a node; another takes its place."""
    run = cluster.run(out)
    _until(run, out, moment)
    kill(cluster.nodes.pop(random.randrange(2)))
    cluster.nodes.append(cluster.node())
    return run.wait(END_SECONDS), (0,)


def scheduler(cluster, out, moment, options):
    """kill -9 of the scheduler; another takes its address, and new nodes join it."""
    run = cluster.run(out)
    _until(run, out, moment)
    kill(cluster.scheduler)
    cluster.scheduler.wait()
    for each in cluster.nodes:
        kill(each)
    cluster.begin()
    return run.wait(END_SECONDS), (0, 2)


def stopped_node(cluster, out, moment, options):
    """SIGSTOP of a node, SIGCONT later."""
    run = cluster.run(out)
    _until(run, out, moment)
    _pause(random.choice(cluster.nodes), options.pause)
    return run.wait(END_SECONDS), (0,)


def stopped_coordinator(cluster, out, moment, options):
    """SIGSTOP of the coordinator, SIGCONT later."""
    run = cluster.run(out)
    _until(run, out, moment)
    _pause(run, options.pause)
    return run.wait(END_SECONDS), (0,)


def three(cluster, out, moment, options):
    """Three runs at once in one folder of results; a fourth command in the folder of the first."""
    runs = [cluster.run(out), *(cluster.run(out.with_name(f"{out.name}-{n}")) for n in "bc")]
    until = time.monotonic() + END_SECONDS
    while not records(out) and runs[0].poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    if runs[0].poll() is None:
        fourth = cluster.resume(out)
        code = fourth.wait(END_SECONDS)
        text = fourth.log.read_text()
        assert code == 2 or runs[0].poll() is not None, f"a second command was let in: {text}"
    codes = [run.wait(END_SECONDS) for run in runs]
    for n in "bc":
        assert len(result(out.with_name(f"{out.name}-{n}"))) == len(SEEDS)
    return max(codes), (0,)


def disk_here(cluster, out, moment, options):
    """The disk of the results full (a small tmpfs), then room, and --resume."""
    out.mkdir(parents=True)
    with _small_disk(out, "4m"):
        run = cluster.run(out / "run")
        _until(run, out / "run", moment)
        filler = out / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        code = run.wait(END_SECONDS)
        text = run.log.read_text()
        assert code == 0 or "free some room" in text or "No space" in text, text[-500:]
        filler.unlink(missing_ok=True)
        assert "Traceback" not in text, text[-500:]
        code = _carried_on(cluster, out / "run", 0)
        shutil.copytree(out / "run", out.with_name(f"{out.name}-copy"))
    out.rmdir()
    shutil.move(out.with_name(f"{out.name}-copy"), out)
    return code, (0,)


def disk_there(cluster, out, moment, options):
    """The disk of a node full (a small tmpfs as its TMPDIR), then room, and --retry failed."""
    disk = cluster.folder / f"disk-{out.name}"
    disk.mkdir()
    with _small_disk(disk, "8k"):
        (disk / "filler").write_bytes(bytes(4096))
        for each in cluster.nodes:
            kill(each)
        cluster.nodes = [cluster.node(TMPDIR=str(disk)), cluster.node()]
        run = cluster.run(out)
        code = run.wait(END_SECONDS)
        for each in cluster.nodes:
            kill(each)
            each.wait()
        cluster.nodes = [cluster.node(), cluster.node()]
    return code, (0, 1)


_ALL = (
    coordinator,
    node,
    scheduler,
    stopped_node,
    stopped_coordinator,
    three,
    disk_here,
    disk_there,
)
FAULTS = {each.__name__.replace("_", "-"): each for each in _ALL}


class _small_disk:  # noqa: N801 (a context, used as a function)
    def __init__(self, path, size):
        self.path, self.size = path, size

    def __enter__(self):
        words = ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.path)]
        subprocess.run(words, check=True, capture_output=True)

    def __exit__(self, *_error):
        subprocess.run(["umount", "-l", str(self.path)], check=False)


class Missed(Exception):
    """The run ended before the fault could happen: nothing is learnt from it."""


def _until(run, out, moment):
    """Waits for the moment of the fault: so many records, and the seconds after them."""
    count, seconds = moment
    until = time.monotonic() + END_SECONDS
    while len(records(out)) < count and run.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(seconds)
    if run.poll() is not None or len(records(out)) == len(SEEDS):
        raise Missed


def _pause(process, seconds):
    kill(process, signal.SIGSTOP)
    time.sleep(seconds)
    kill(process, signal.SIGCONT)


def _carried_on(cluster, out, code):
    """Resumes the run until all its seeds are there, three times at most; the last exit code."""
    for _ in range(3):
        if len(result(out)) == len(SEEDS):
            return code
        begun = (out / "run.json").is_file()
        again = cluster.resume(out, "--retry", "failed") if begun else cluster.run(out)
        code = again.wait(END_SECONDS)
    return code


def _attempt(name, cluster, out, moment, options, expected):
    """One fault; AssertionError where something is lost, doubled, different or left behind."""
    code, allowed = FAULTS[name](cluster, out, moment, options)
    assert code in allowed, f"exit code {code}"
    ended = code
    before = result(out) if out.exists() else {}
    code = _carried_on(cluster, out, code)
    found = result(out)
    assert before.items() <= found.items(), "a finished record was lost"
    assert found == expected, f"{len(found)} of {len(expected)} seeds, or other accuracies"
    for log in cluster.unread():
        assert "Traceback" not in log.read_text(), f"a traceback in {log.name}"
    return ended, len(before)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--pause", type=float, default=60.0, help="seconds of a SIGSTOP")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    options = parser.parse_args()
    random.seed(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="harness-faults-"))
    print(f"in {folder}", flush=True)
    cluster = Cluster(folder)
    counts = collections.defaultdict(list)
    try:
        local = cluster.run(folder / "undisturbed", "--jobs", "1")
        assert local.wait(END_SECONDS) == 0, local.log.read_text()
        expected = result(folder / "undisturbed")
        assert len(expected) == len(SEEDS)
        cluster.begin()
        quiet = cluster.run(folder / "quiet")
        assert quiet.wait(END_SECONDS) == 0, quiet.log.read_text()
        assert result(folder / "quiet") == expected, "a cluster trains other networks"
        print("undisturbed, on this machine and on the cluster: equal", flush=True)
        for _ in range(options.tries):
            for name in options.faults.split(","):
                moment = random.randrange(len(SEEDS) - 1), random.uniform(0.0, 3.0)
                try:
                    code, kept = _attempt(
                        name,
                        cluster,
                        folder / f"{name}-{len(counts[name])}",
                        moment,
                        options,
                        expected,
                    )
                    told = GOOD
                except Missed:
                    code, kept, told = 0, len(SEEDS), MISSED
                except (AssertionError, OSError, subprocess.SubprocessError) as error:
                    code, kept, told = -1, 0, f"FAILED: {error}"
                counts[name].append(told)
                print(
                    f"{name}, {moment[0]} records and {moment[1]:.1f} s in: {told}; "
                    f"{kept} records when it ended with {code}",
                    flush=True,
                )
        for each in cluster.nodes:
            kill(each)
        until = time.monotonic() + 30
        while (left := cluster.workers()) and time.monotonic() < until:
            time.sleep(0.2)
        print(f"workers left when the nodes have been killed: {len(left)}")
    finally:
        cluster.end()
    for name, told in counts.items():
        happened = len(told) - told.count(MISSED)
        print(f"| {name} | {happened} | {told.count(GOOD)} |")
    failed = [each for told in counts.values() for each in told if each.startswith("FAILED")]
    raise SystemExit(bool(failed or left))


if __name__ == "__main__":
    main()
