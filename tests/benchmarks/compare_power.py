"""How often does `harness compare` claim a difference where there is none, and find one that is there?

    uv run python -m tests.benchmarks.compare_power [--tries 200] [--rows 13] [--seeds 3]
    uv run python -m tests.benchmarks.compare_power --runs DIR DIR [DIR ...]
    uv run python -m tests.benchmarks.compare_power --repeat 4 --out DIR [--plugins all] [--seeds 3]

Without --runs, two runs are simulated: predictions as in accuracy_coverage.py, and raw times. Every row's
processes differ by a constant factor (--layout, a standard deviation), rounds have noise and some are
disturbed, and sessions drift (--drift), which the probe sees up to an error of half a percent. A try is
one comparison of all rows and metrics. Then one row of the later run is 10 % slower in all three series,
or 1 point less accurate on 10 000 samples.

With --runs, real runs of one commit on one machine are compared, each with every later one. Then the
raw times of each row in turn are made 10 % longer. With --repeat, these runs are made first: the same
command so many times, in DIR/1, DIR/2 and so on. What is there already is not made again.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness.results.answers import Answers
from harness.results.record import NetworkTiming, PeaksRecord, TrialRecord
from harness.results.regression import Comparison, RunData, compare_runs
from harness.results.session import Session
from harness.results.store import Times
from harness.results.summary import summarise
from harness.runs.compare import run_data
from harness.runs.run import load
from harness.subjects import Row
from tests.benchmarks.accuracy_coverage import Family

SLOWER, LESS_ACCURATE = 0.10, 0.01
SERIES = {"latency": 1e-3, "inference": 2e-3, "train": 5e-3}
TIMED = {"latency_ms", "inference_throughput", "train_throughput"}
ROUNDS, CALLS, SAMPLES, CLASSES = 12, 8, 10_000, 10
#: As there, but the two versions of a row make the same mistakes as any two of its networks do.
SHARES = np.sqrt(np.array([0.7, 0.0, 0.3], dtype="f4"))
MACHINE = {"cpu": "simulated", "cores": 2, "memory_bytes": 1, "gpus": []}


def two_runs(
    options: Any, draws: Any, slower: float = 0.0, less_accurate: float = 0.0
) -> list[RunData]:
    """Two simulated runs; in the later one row 0 is slower, or less accurate.

    Their networks are trained anew: no prediction is the same by construction.
    """
    accuracies = [options.accuracy] * (2 * options.rows)
    accuracies[options.rows] -= less_accurate
    spreads = [options.spread] * (2 * options.rows)
    family = Family(accuracies, spreads, SAMPLES, options.seeds, SHARES).draw(draws)
    labels = draws.integers(CLASSES, size=SAMPLES)
    made = []
    for place in (0, 1):
        drift = options.drift * draws.standard_normal()
        outcomes = [family[str(place * options.rows + row)].right for row in range(options.rows)]
        slow = [slower * place] + [0.0] * (options.rows - 1)
        made.append(_run(f"run {place}", outcomes, labels, slow, drift, options.layout, draws))
    return made


def _run(
    name: str, outcomes: Any, labels: Any, slow: Any, drift: float, layout: float, draws: Any
) -> RunData:
    records: list[Any] = []
    classes, samples = {}, {}
    for place, table in enumerate(outcomes):
        row = Row(plugin=f"row-{place}", framework="none", task="simulated", preset="quick")
        for seed, right in enumerate(table):
            digest = f"{place} {seed}"
            classes[digest] = np.where(right, labels, (labels + 1) % CLASSES)
            metrics = {"test_accuracy": float(right.mean()), "test_size": SAMPLES}
            records.append(
                TrialRecord(row=row, seed=seed, status="ok", metrics=metrics, predictions=digest)
            )
        metrics = dict.fromkeys(TIMED, 1.0)  # that they were measured; compared are the raw times
        timing = NetworkTiming(row=row, seed=0, status="ok", metrics=metrics)
        records.append(timing)
        seconds = {
            series: times(base * (1 + slow[place]) * np.exp(drift), layout, draws)
            for series, base in SERIES.items()
        }
        samples[timing.key] = Times(batches=dict.fromkeys(SERIES, 1), seconds=seconds)
    probe = {"peak_flops": 1e11 * float(np.exp(-drift + 0.005 * draws.standard_normal()))}
    records.append(PeaksRecord(status="ok", device="cpu", threads=1, metrics=probe))
    sessions = [Session(environment=MACHINE)]
    answers = {records[0].row.task: Answers(labels, classes)}
    rows = summarise(records, sessions, answers)
    return RunData(name, rows, records, sessions, answers, samples.__getitem__)


def times(base: float, layout: float, draws: Any) -> list[list[float]]:
    """The seconds of one row and series: two processes that take turns, a tenth of the rounds disturbed."""
    processes = np.exp(layout * draws.standard_normal(2))
    rounds = base * processes[np.arange(ROUNDS) % 2] * np.exp(0.01 * draws.standard_normal(ROUNDS))
    rounds *= 1 + (draws.random(ROUNDS) < 0.1) * draws.exponential(0.3, ROUNDS)
    calls = 1 + draws.exponential(0.03, (ROUNDS, CALLS))
    return (rounds[:, None] * calls).tolist()


def claimed(comparison: Comparison) -> Counter[str]:
    """How many verdicts of each kind: timed or accuracy, better or worse."""
    return Counter(
        f"{'timed' if change.metric in TIMED else 'other'} {change.verdict}"
        for change in comparison.changed()
    )


def simulate(options: Any) -> dict[str, str]:
    """The shares of tries, as text."""
    draws = np.random.default_rng(options.seed)
    false = refused = 0
    slow: Counter[str] = Counter()
    accurate = 0
    for _ in range(options.tries):
        null = compare_runs(*two_runs(options, draws))
        refused += any("another state" in note for note in null.notes)
        false += bool(claimed(null))
        slowed = compare_runs(*two_runs(options, draws, slower=SLOWER), "anyway")
        worse = [change for change in slowed.changed(("worse",)) if change.row == "row-0"]
        slow.update(change.metric for change in worse)
        slow["any of the three"] += any(change.metric in TIMED for change in worse)
        lower = compare_runs(*two_runs(options, draws, less_accurate=LESS_ACCURATE), "none")
        accurate += any(
            c.row == "row-0" and c.metric == "test_accuracy" for c in lower.changed(("worse",))
        )

    def share(count: int) -> str:
        return f"{100 * count / options.tries:.1f} %"

    return {
        "tries with any false claim": share(false),
        "of these without timings, the probe differed": share(refused),
        **{
            f"10 % slower found, {name}": share(slow[name])
            for name in (*sorted(TIMED), "any of the three")
        },
        "1 point less accurate found": share(accurate),
    }


def repeated(options: Any) -> list[str]:
    """The folders of so many runs of one command, one after the other."""
    folders = [Path(options.out) / str(place + 1) for place in range(options.repeat)]
    for folder in folders:
        if not (folder / "run.json").exists():
            harness.run(options.plugins, seeds=range(options.seeds), out=folder)
            print(f"made {folder}", flush=True)
    return [str(folder) for folder in folders]


def real(folders: list[str]) -> dict[str, str]:
    """Real runs of one commit, each compared with every later one."""
    runs = [run_data(load(folder)) for folder in folders]
    tries = refused = false = found = slowed = compared = wrong = 0
    for old, new in itertools.combinations(runs, 2):
        null = compare_runs(old, new)
        tries += 1
        false += bool(null.changed())
        refused += any(note.startswith("Timings are not compared") for note in null.notes)
        compared += sum(change.verdict != "untested" for change in null.changes)
        wrong += len(null.changed())
        for change in null.changed():
            print(f"false: {change.row}, {change.metric}: {100 * change.difference:+.1f} %")
        for row in {change.row for change in null.changes if change.metric in TIMED}:
            comparison = compare_runs(old, _slower(new, row))
            slowed += 1
            found += any(c.row == row and c.metric in TIMED for c in comparison.changed(("worse",)))
    return {
        "comparisons of two runs": str(tries),
        "with any claim": str(false),
        "metrics of rows that were judged": str(compared),
        "called better or worse": str(wrong),
        "timings not compared": str(refused),
        "rows made 10 % slower": str(slowed),
        "found": str(found),
    }


def _slower(run: RunData, label: str) -> RunData:
    key = next(row.timing.key for row in run.rows if row.label == label and row.timing is not None)

    def times_of(of: str) -> Times:
        taken = run.times_of(of)
        factor = 1 + SLOWER * (of == key)
        seconds = {
            name: [[factor * s for s in calls] for calls in rounds]
            for name, rounds in taken.seconds.items()
        }
        return Times(batches=taken.batches, seconds=seconds)

    return replace(run, times_of=times_of, _noises={})


def main() -> None:
    """Simulates or compares, and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", nargs="+", help="real runs of one commit")
    parser.add_argument("--repeat", type=int, default=0, help="make so many runs first")
    parser.add_argument("--plugins", default="all", help="of these runs")
    parser.add_argument("--out", default="results/repeated", help="where they lie")
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--rows", type=int, default=13)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--accuracy", type=float, default=0.97)
    parser.add_argument("--spread", type=float, default=0.001, help="of the seeds' accuracies")
    parser.add_argument("--layout", type=float, default=0.012, help="of processes of one row")
    parser.add_argument("--drift", type=float, default=0.01, help="of sessions")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folders = repeated(options) if options.repeat else options.runs
    for what, figure in (real(folders) if folders else simulate(options)).items():
        print(f"{what:50}{figure}")


if __name__ == "__main__":
    main()
