"""What a report costs, tables and figures, for as many rows as a sweep may have.

The aims, on two cores: 13 rows well below 5 s, 100 rows of 10 seeds in 6 s, 1000 in 20 s and 400 MB.
Each report is made by a process of its own: a peak is that of the whole process, imports included.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

BUILD = """
import json, resource, sys
from pathlib import Path
from time import perf_counter

start = perf_counter()
from harness.report.build import build_report
from harness.results.store import RunFolder

folder = RunFolder.open(Path(sys.argv[1]))
records, problems = folder.records()
read = perf_counter()
began = {}


def say(what):
    began[what] = perf_counter()


build_report(folder.path, folder.description(), records, problems, say=say)
end, drawing = perf_counter(), began["drawing the figures"]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
parts = {"read": read - start, "tables": drawing - read, "figures": end - drawing, "MB": peak}
print(json.dumps(parts))
"""

MAKE = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from report.synthetic_run import many_records, session
from harness.results.record import to_line
from harness.results.store import RECORDS, RunFolder

folder = RunFolder.create(Path(sys.argv[2]), "networks")
folder.begin(session())
lines = map(to_line, many_records(int(sys.argv[3]), int(sys.argv[4])))
(folder.path / RECORDS).write_text("".join(f"{line}\\n" for line in lines), encoding="utf-8")
"""


@pytest.mark.parametrize(("rows", "seeds"), [(13, 3), (100, 10)])
def test_report(benchmark, tmp_path, rows, seeds):
    """Seconds of the process; beside them those of its parts, and its peak memory."""
    report(benchmark, tmp_path, rows, seeds)


@pytest.mark.usefixtures("takes_long")
def test_large_report(benchmark, tmp_path):
    report(benchmark, tmp_path, rows=1000, seeds=10)


def report(benchmark, tmp_path, rows, seeds):
    run = tmp_path / "run"
    subprocess.run(
        [sys.executable, "-c", MAKE, TESTS, run, str(rows), str(seeds)], check=True, timeout=300
    )
    told = []

    def build():
        words = [sys.executable, "-c", BUILD, run]
        told.append(subprocess.run(words, check=True, capture_output=True, timeout=300).stdout)

    benchmark.pedantic(build, rounds=2)
    parts = json.loads(told[-1])
    benchmark.extra_info |= parts
    print(f"\n{rows} rows of {seeds} seeds:", {name: round(v, 2) for name, v in parts.items()})
