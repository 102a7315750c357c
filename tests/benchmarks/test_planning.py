"""What 10 000 trials cost the coordinator: their plan, the start of the first, each record, memory.

The aims, on two cores: planned in 2 s, the first started within 3 s more; appending a record takes as long
after 10 000 as at the beginning, and memory stays as it is. The trials are `idle_plugin`'s: 1000 batch
sizes, 10 seeds. In `test_ten_thousand_trials` nothing is trained: what is left is the coordinator's.
`test_first_trial` is the command itself, ended when its first trial has begun.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

HERE = Path(__file__).parent
HARNESS = Path(sys.executable).with_name("harness")
PLUGIN = HERE / "idle_plugin.py"
ROWS, SEEDS = 1000, 10
VALUES = ",".join(map(str, range(1, ROWS + 1)))

COORDINATE = """
import json, sys
from pathlib import Path
from time import perf_counter

import psutil

from harness.catalogue.plugins import from_file
from harness.config.options import RunConfig, make_config
from harness.coordinator.executors.job import Outcome
from harness.coordinator.listener import Listener
from harness.coordinator.plan import plan
from harness.coordinator.processes.pool import Workers
from harness.coordinator.training import run_trials
from harness.plugin.contract import Task
from harness.plugin.parameters import Parameter, Presets
from harness.protocol.events import Measured, Prepared, Trained
from harness.results.store import RunFolder

file, out, rows, seeds = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
plugin = from_file(file)
presets = Presets({"epochs": Parameter(1, "epochs"), "batch_size": Parameter(64, "samples")})
values = {plugin.name: {"batch_size": list(range(1, rows + 1))}}
config = make_config(
    RunConfig, {"plugins": [str(file)], "params": values, "seeds": range(seeds), "timing": False}
)
start = perf_counter()
planned = plan(config, [plugin], {plugin.label: presets}, "cpu", "0" * 64)
told = {"trials": len(planned), "planned": perf_counter() - start}

#: An answer of the size that those of the built-in plugins have.
ANSWER = Trained(
    versions={"torch": "2"},
    metrics={f"own_{n}": n / 7 for n in range(20)},
    layers=[{"name": f"layer{n}", "synops_ac": n / 3, "neurons": 100} for n in range(3)],
    history=[{"loss": n / 9, "accuracy": n / 11, "density": n / 13} for n in range(10)],
)
STAGES = {stage: 0.1 for stage in ("build", "train", "evaluate", "save")}


class Nothing:
    slots = parallel = 2
    begun = None

    def run(self, job, progress):
        self.begun = self.begun or perf_counter()
        job.state.touch()
        return Outcome(ANSWER, "2026-01-01T00:00:00+00:00", dict(STAGES))

    def reload(self, job, outcome):
        return Measured(metrics={}, facts={"reload": "same"})

    def stop(self):
        pass


class Watching(Listener):
    def __init__(self):
        self.times, self.bytes = [], []

    def recorded(self, label, record):
        self.times.append(perf_counter())
        if len(self.times) % 1000 == 0:
            self.bytes.append(psutil.Process().memory_info().rss)


folder, nothing, watching = RunFolder.create(out, "networks"), Nothing(), Watching()
(out / "described").mkdir()
data = Prepared(path="", facts={}, task=Task("digits", "classification", (1, 8, 8), 10, 1257))
with Workers(fork=False) as workers:
    start = perf_counter()
    run_trials(
        planned, config, data, folder, 0, out / "described", workers, watching, folder.labels,
        executor=nothing,
    )
times, used = watching.times, watching.bytes
told |= {
    "first": nothing.begun - start,
    "record_ms_first_1000": times[999] - times[0],
    "record_ms_last_1000": times[-1] - times[-1000],
    "MB_at_1000": used[0] / 2**20,
    "MB_at_end": used[-1] / 2**20,
}
print(json.dumps(told))
"""


@pytest.mark.usefixtures("takes_long")
def test_ten_thousand_trials(benchmark, tmp_path):
    """Seconds of the process; beside them those of its parts, milliseconds a record, and memory."""
    told = []

    def coordinate():
        out = tmp_path / f"run{len(told)}"
        words = [sys.executable, "-c", COORDINATE, PLUGIN, out, str(ROWS), str(SEEDS)]
        found = subprocess.run(words, check=True, capture_output=True, timeout=600)
        told.append(json.loads(found.stdout))
        lines = (out / "records.jsonl").read_bytes().count(b"\n")
        assert lines == told[-1]["trials"] == ROWS * SEEDS

    benchmark.pedantic(coordinate, rounds=2)
    benchmark.extra_info |= told[-1]
    print("\n10 000 trials:", {name: round(value, 3) for name, value in told[-1].items()})


def test_first_trial(benchmark, tmp_path):
    """Seconds from the plan of 10 000 trials to the start of the first one, in the command itself."""
    pytest.importorskip("torch")
    out = tmp_path / "run"
    seeds = ",".join(map(str, range(SEEDS)))
    words = [HARNESS, "run", "--plugins", PLUGIN, "--set", f"idle_plugin.batch_size={VALUES}"]
    words += ["--seeds", seeds, "--no-timing", "--metrics", "none", "--out", out]
    taken = []

    def begin():
        process = subprocess.Popen(
            words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            lines = iter(process.stderr.readline, "")
            assert any(f"{ROWS * SEEDS} trials" in line for line in lines)
            start = monotonic()
            while not any((out / "logs").glob("idle_plugin-*")):
                assert process.poll() is None
                sleep(0.005)
            taken.append(monotonic() - start)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

    benchmark.pedantic(begin, rounds=1)
    benchmark.extra_info["first"] = taken[-1]
    print(f"\nfirst trial begun after {taken[-1]:.2f} s")
