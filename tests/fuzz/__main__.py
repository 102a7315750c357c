"""Damages what the harness reads, in many ways: python -m tests.fuzz [--tries N] [--kinds records,run].

A small run is made, and each try damages a copy of it: a record, run.json, a configuration file, raw
samples, the header of a trained state, or predictions. What reads them must end in a result or in one line
that says what is wrong. A try has failed where it ends in a traceback, takes longer than --seconds or more
than --memory.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from tests.fuzz.kinds import KINDS, damage, make, read


def limited(seconds, megabytes):
    """Ends this process after so long, and refuses it more memory than so much beyond what it has."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def attempt(kind, folder, seed, options):
    """One try in a process of its own; "" where it ended well, else what became of it."""
    log = folder.with_name("log")
    if not (pid := os.fork()):
        code = 1
        try:
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            limited(options.seconds, options.memory)
            damage(kind, folder, random.Random(f"{kind} {seed}"))
            read(kind, folder)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == -signal.SIGALRM:
        return f"it took more than {options.seconds:g} s"
    lines = log.read_text(errors="replace").strip().splitlines()
    return "" if code == 0 else f"exit code {code}: {lines[-1][:200] if lines else 'no line'}"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tries", type=int, default=200, help="of each kind")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--first", type=int, default=0, help="the seed of the first try")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--memory", type=int, default=1024, help="MiB that a try may take")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="harness-fuzz-") as name:
        whole, copy = Path(name) / "whole", Path(name) / "copy"
        make(whole)
        for kind in options.kinds.split(","):
            read(kind, whole)  # imports what every try needs
            bad = 0
            for seed in range(options.first, options.first + options.tries):
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(whole, copy)
                if became := attempt(kind, copy, seed, options):
                    bad += 1
                    print(f"--kinds {kind} --first {seed} --tries 1: {became}", flush=True)
            failures += bad
            print(f"{kind}: {options.tries} tries, {bad} failed", flush=True)
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
