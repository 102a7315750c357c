"""Repeats the faults of docs/reliability.md: python -m tests.faults [--faults NAME,NAME=TRIES].

Each fault happens at a random moment of a real run on a real scheduler and two nodes: seven of ten while
trials are at work, the others from the command's start to its end. One that comes when the run has ended counts as missed, not as passed, and another is made. The run is
then carried on where it ended early. It has failed where

- a record was lost or doubled, or an accuracy or a prediction differs from an undisturbed run's here;
- the exit code is none that the fault may cause, or no line says what to do;
- a command printed a traceback, or a process outlives its command.

`--keep FILE` adds the tries to a file, and `--page` writes those of tests/faults/tries.jsonl into the page.
It has to be root, and needs libfaketime (`apt install libfaketime`) for the clocks.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults import table
from tests.faults.cluster import FAKETIME, SEEDS, Cluster, kill, result
from tests.faults.kinds import CUTS, END_SECONDS, FAULTS, Missed
from tests.faults.network import Network

#: Runs that had ended are repeated this often for each that is wanted.
_MORE = 3
#: The part of a run's time that has gone by when its trials begin: torch and the plugins are imported before.
AT_WORK = 0.55


def check(true, message):
    if not true:
        raise AssertionError(message)


def check_end(run, codes):
    """The exit code, and what the last lines say."""
    text = run.log.read_text()
    check(run.returncode in codes, f"exit code {run.returncode}: {text[-300:]}")
    begun = "before anything was measured" not in text
    if run.returncode in (2, 130) and begun:
        check("--resume" in text.strip().splitlines()[-1], f"no way on: {text[-300:]}")
    if run.returncode == 1:
        check("--retry failed" in text, f"no way on: {text[-300:]}")


def carry_on(cluster, out):
    """Resumes the run until all its seeds are there and reported, three times at most."""
    for _ in range(3):
        if len(result(out)) == len(SEEDS) and (out / "report.html").exists():
            return
        begun = (out / "run.json").is_file()
        again = cluster.resume(out, "--retry", "failed") if begun else cluster.run(out)
        again.wait(END_SECONDS)


def attempt(name, cluster, out, moment, expected):
    """One fault; AssertionError where something is lost, doubled, different or left behind."""
    run, codes = FAULTS[name](cluster, out, moment)
    check_end(run, codes)
    left = cluster.orphans()
    check(not left, f"left behind: {', '.join(left)}")
    when_ended = result(out)
    check(run.before.items() <= when_ended.items(), "a finished record was lost by the fault")
    carry_on(cluster, out)
    found = result(out)
    check(when_ended.items() <= found.items(), "a finished record was lost by --resume")
    check(found == expected, f"{len(found)} of {len(expected)} seeds, or other accuracies")
    for log in cluster.unread():
        check("Traceback" not in log.read_text(), f"a traceback in {log.name}")
    return run.returncode, len(run.before)


def one(name, number, cluster, moment, expected):
    """What became of one try, as a line of the table's file."""
    cluster.nodes = [each if each.poll() is None else cluster.node() for each in cluster.nodes]
    code, count = -1, 0
    try:
        code, count = attempt(name, cluster, cluster.folder / f"{name}-{number}", moment, expected)
        became = table.GOOD
    except Missed:
        became = table.MISSED
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        became = f"FAILED: {error}"
    return {"fault": name, "moment": round(moment, 1), "records": count, "code": code, "became": became}  # fmt: skip


def undisturbed(cluster, folder):
    """What the seeds come to on this machine and on the cluster, and how long a run takes there."""
    local = cluster.run(folder / "undisturbed", "--jobs", "1")
    check(local.wait(END_SECONDS) == 0, local.log.read_text())
    expected = result(folder / "undisturbed")
    check(len(expected) == len(SEEDS), "trials failed that nobody disturbed")
    cluster.begin()
    for name in ("first", "quiet"):  # the nodes import torch in the first
        began = time.monotonic()
        quiet = cluster.run(folder / name)
        check(quiet.wait(END_SECONDS) == 0, quiet.log.read_text())
        check(result(folder / name) == expected, "a cluster trains other networks")
    seconds = time.monotonic() - began
    print(f"undisturbed, on this machine and on the cluster: equal; {seconds:.1f} s", flush=True)
    return expected, seconds


def main():
    titles = {name: call.__doc__ for name, call in FAULTS.items()}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--tries", type=int, default=1, help="of each fault without a number")
    parser.add_argument("--seed", type=int, default=None, help="of the moments")
    parser.add_argument(
        "--keep", type=Path, default=None, help="a file that the tries are added to"
    )
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
            for number in range(_MORE * wanted):
                if not wanted:
                    break
                begin = AT_WORK if random.random() < 0.7 else 0.1
                moment = random.uniform(begin, 1.0) * seconds
                there = cut if name in CUTS else cluster
                made = one(name, number, there, moment, expected)
                wanted -= made["became"] != table.MISSED
                tries.append(made)
                if options.keep:
                    table.append(options.keep, made)
                print(
                    f"{name} after {moment:.1f} s: {made['became']}; "
                    f"{made['records']} records then, exit code {made['code']}",
                    flush=True,
                )
        for each in cluster.nodes:
            kill(each)
            each.wait()
        left = cluster.orphans()
        print(f"processes left when the nodes have been killed: {len(left)}")
    print(table.table(tries, titles))
    failed = [each for each in tries if each["became"].startswith("FAILED")]
    raise SystemExit(bool(failed or left))


if __name__ == "__main__":
    main()
