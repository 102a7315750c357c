"""Repeats the faults of docs/reliability.md: python -m tests.faults [--faults NAME,NAME=TRIES].

Faults of one kind happen one after another to a real run, on a real scheduler and two nodes, at random
moments: after up to three more records and 1.5 s, or, if the fault ends the run, while the command still
starts (three of ten). A run that ended early is carried on, and the next fault happens to that. A try has
failed where

- a record was lost or doubled, or an accuracy or a prediction differs from an undisturbed run's here;
- the exit code is none that the fault may cause, or no line says what to do;
- a command printed a traceback, or a process outlives its command.

`--keep FILE` adds the tries to a file, and `--page` writes those of tests/faults/tries.jsonl into the page.
It has to be root, and needs libfaketime (`apt install libfaketime`) for the clocks.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults import table
from tests.faults.cluster import FAKETIME, SEEDS, Cluster, kill, records, result
from tests.faults.kinds import CUTS, END_SECONDS, FAULTS, settled
from tests.faults.network import Network

#: How often a run is carried on, at most, before it has to be complete.
_RESUMES = 4


def check(true, message):
    if not true:
        raise AssertionError(message)


def same(out, expected):
    """What the seeds of a run came to; AssertionError where one is another's than `expected`."""
    found = result(out)
    check(found.items() <= expected.items(), "other accuracies or predictions")
    return found


def begin(cluster, out, how):
    """Starts a run, or carries it on."""
    how = dict(how)
    here = how.pop("here", False)
    if (out / "run.json").is_file():
        words = ["--executor", "local"] if here else cluster.there()
        return cluster.resume(out, *words, "--retry", "failed", **how)
    return cluster.run(out, *(["--jobs", "2"] if here else []), **how)


def wait(run, out, ends, seconds):
    """Waits for a random moment; False where the run has ended before."""
    if ends and random.random() < 0.3:
        time.sleep(random.uniform(0.1, 1.0) * seconds)
    else:
        count = len(records(out)) + random.randrange(1, 4)
        until = time.monotonic() + END_SECONDS
        while len(records(out)) < count and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(random.uniform(0.0, 1.5))
    return run.poll() is None


def check_end(run, codes):
    """The exit code of a run, and what its last lines say."""
    text = run.log.read_text()
    check("Traceback" not in text, f"a traceback in {run.log.name}")
    check(run.returncode in codes, f"exit code {run.returncode}: {text[-300:]}")
    last = text.strip().splitlines()[-1] if text.strip() else ""
    if run.returncode in (2, 130):
        known = "--resume" in last or "before anything was measured" in last or "repeat" in last
        check(known, f"no way on: {text[-300:]}")
    if run.returncode == 1:
        check("--retry failed" in text, f"no way on: {text[-300:]}")


class Kind:
    """The tries of one kind of fault; each is also added to the file `keep`, if there is one."""

    def __init__(self, name, cluster, expected, seconds, keep):
        self._name, self._fault, self._keep = name, FAULTS[name](), keep
        self._cluster, self._expected, self._seconds = cluster, expected, seconds
        self.made = []

    def run(self, wanted):
        """Makes so many tries, in as many runs as they take."""
        for number in range(3 * wanted):
            if len(self.made) >= wanted:
                return
            out = self._cluster.folder / f"{self._name}-{number}" / "run"
            with self._fault.prepared(self._cluster, out) as how:
                out.parent.mkdir(exist_ok=True)
                try:
                    self._disturbed(out, how, wanted)
                    self._complete(out, how)
                except (AssertionError, OSError, subprocess.SubprocessError) as error:
                    self._became(f"FAILED: {error}", out, -1)
            self._cluster.nodes = [
                each if each.poll() is None else self._cluster.node()
                for each in self._cluster.nodes
            ]

    def _disturbed(self, out, how, wanted):
        run = begin(self._cluster, out, how)
        while len(self.made) < wanted:
            if not wait(run, out, self._fault.ends, self._seconds):
                break
            before = same(out, self._expected)
            self._fault.happen(self._cluster, run, out)
            if self._fault.ends:
                run.wait(END_SECONDS)
            else:
                settled(run, out)
            if run.poll() is not None:
                check_end(run, self._fault.codes)
                left = self._cluster.orphans()
                check(not left, f"left behind: {', '.join(left)}")
            check(before.items() <= same(out, self._expected).items(), "a record was lost")
            code = run.poll()
            self._became(table.GOOD, out, code, len(before))
            if code is not None:
                if len(result(out)) == len(SEEDS):
                    return
                run = begin(self._cluster, out, how)
        run.wait(END_SECONDS)
        check_end(run, (0, *self._fault.codes))

    def _complete(self, out, how):
        """Carries the run on until all is there, and compares it."""
        for _ in range(_RESUMES):
            before = same(out, self._expected)
            if before == self._expected and (out / "report.html").exists():
                break
            run = begin(self._cluster, out, {} if "here" in how else how)
            run.wait(END_SECONDS)
            check(before.items() <= same(out, self._expected).items(), "--resume lost a record")
        found = same(out, self._expected)
        check(found == self._expected, f"{len(found)} of {len(self._expected)} seeds in the end")
        check((out / "report.html").exists(), "no report")
        left = self._cluster.orphans()
        check(not left, f"left behind: {', '.join(left)}")
        for log in self._cluster.unread():
            check("Traceback" not in log.read_text(), f"a traceback in {log.name}")

    def _became(self, became, out, code, count=0):
        code = "goes on" if code is None else code
        made = {"fault": self._name, "records": count, "code": code, "became": became}
        self.made.append(made)
        if self._keep:
            table.append(self._keep, made)
        print(f"{self._name} in {out}: {became}; {count} records then, {code}", flush=True)


def undisturbed(cluster, folder):
    """What the seeds come to on this machine and on the cluster, and the seconds until trials begin."""
    local = cluster.run(folder / "undisturbed", "--jobs", "2")
    check(local.wait(END_SECONDS) == 0, local.log.read_text())
    expected = result(folder / "undisturbed")
    check(len(expected) == len(SEEDS), "trials failed that nobody disturbed")
    cluster.begin()
    began = time.monotonic()
    quiet = cluster.run(folder / "quiet")
    while not records(folder / "quiet") and quiet.poll() is None:
        time.sleep(0.1)
    seconds = time.monotonic() - began
    check(quiet.wait(END_SECONDS) == 0, quiet.log.read_text())
    check(result(folder / "quiet") == expected, "a cluster trains other networks")
    print(f"undisturbed: equal on the cluster; {seconds:.1f} s to the first record", flush=True)
    return expected, seconds


def main():
    titles = {name: each.__doc__ for name, each in FAULTS.items()}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--tries", type=int, default=1, help="of each fault without a number")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument("--keep", type=Path, default=None, help="a file that tries are added to")
    parser.add_argument("--page", action="store_true", help="write the table, try nothing")
    options = parser.parse_args()
    if options.page:
        made = table.table(table.read(), titles)
        table.PAGE.write_text(table.written(table.PAGE.read_text(), made))
        return
    names = {
        name: int(number or options.tries)
        for name, _, number in (each.partition("=") for each in options.faults.split(","))
    }
    if unknown := names.keys() - FAULTS.keys():
        parser.error(f"no fault is called {', '.join(unknown)}: {', '.join(FAULTS)}")
    if any(name.startswith("clock") for name in names) and not Path(FAKETIME).exists():
        parser.error(f"there is no {FAKETIME}: apt install libfaketime, or leave the clocks out")
    random.seed(options.seed)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, it would be ignored
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the cluster is ended with it
    folder = Path(tempfile.mkdtemp(prefix="harness-faults-"))
    print(f"in {folder}", flush=True)
    tries = []
    with ExitStack() as stack:
        cluster = Cluster(folder)
        stack.callback(cluster.end)
        expected, seconds = undisturbed(cluster, folder)
        if CUTS & names.keys():
            (folder / "cut").mkdir()
            cut = Cluster(folder / "cut", stack.enter_context(Network()))
            stack.callback(cut.end)
            cut.begin()
        for name, wanted in names.items():
            there = cut if name in CUTS else cluster
            kind = Kind(name, there, expected, seconds, options.keep)
            kind.run(wanted)
            tries += kind.made
        for each in cluster.nodes:
            kill(each)
            each.wait()
        left = cluster.orphans()
        print(f"processes left when the nodes have been killed: {len(left)}")
    print(table.table(tries, titles))
    failed = [each for each in tries if each["became"] != table.GOOD]
    raise SystemExit(bool(failed or left))


if __name__ == "__main__":
    main()
