"""What a report costs, comparisons, tables and figures, for as many rows as a sweep may have.

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
import json, sys
from pathlib import Path
from time import perf_counter

start = perf_counter()
from harness.runs.run import load

run = load(Path(sys.argv[1]))
read = perf_counter()
began = {}


def say(what):
    began[what] = perf_counter()


run.report(say=say)
end, drawing = perf_counter(), began["drawing the figures"]
# The peak of getrusage is at least that of the process which started this one.
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
compared = began["writing the tables"]
parts = {"read": read - start, "compared": compared - read}
parts |= {"tables": drawing - compared, "figures": end - drawing, "MB": peak}
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
records = many_records(int(sys.argv[3]), int(sys.argv[4]))
timed = [record for record in records if record.kind == "network-timing"]
for place, record in enumerate(records):
    if record.kind == "network-timing":
        rounds = {
            name: [[0.001 + 1e-6 * (number * calls + n) for n in range(calls)] for number in range(12)]
            for name, calls in (("latency", 40), ("inference", 3), ("train", 10))
        }
        samples = {"batches": dict.fromkeys(rounds, 1), "seconds": rounds}
        folder.write_samples(record.key, samples)
        records[place] = record.model_copy(update={"baseline": timed[0].row.key})
(folder.path / RECORDS).write_text(
    "".join(f"{to_line(record)}\\n" for record in records), encoding="utf-8"
)
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
