"""How much memory do all processes of a measurement group hold together?

    uv run python -m tests.benchmarks.group_memory [--command HARNESS] [WORD ...]

Starts `harness run --plugins all --seeds 0` (or with the words that are given), and sums the
proportional set size (PSS: a shared page counts once, split among those who share it) of all
processes below it, ten times a second. Linux only. With the command of another checkout, the same
for that.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

WORDS = ("run", "--plugins", "all", "--seeds", "0")


def main() -> None:
    """Runs, samples, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--command", default=str(Path(sys.executable).with_name("harness")))
    parser.add_argument("words", nargs="*", default=WORDS)
    options = parser.parse_args()
    out = Path(tempfile.mkdtemp(prefix="group-memory-")) / "run"
    process = psutil.Popen(
        [options.command, *options.words, "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak, processes = 0, 0
    while process.poll() is None:
        sizes = [size for child in children(process) if (size := pss(child))]
        if sum(sizes) > peak:
            peak, processes = sum(sizes), len(sizes)
        psutil.wait_procs([process], timeout=0.1)
    print(f"{peak / 2**20:.0f} MiB in {processes} processes at the most (PSS); run: {out}")


def children(process: psutil.Process) -> list[psutil.Process]:
    """All processes below `process`, workers in sessions of their own among them."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def pss(process: psutil.Process) -> int:
    """The proportional set size in bytes; 0 where the process has gone."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
