"""Where did the seconds of a run go?

    uv run python -m tests.benchmarks.where_time_goes RUN

Prints the wall seconds of trials, group and report, and how the workers' seconds of all trials divide
into stages: `start` and `import` are what a trial costs before it works.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter

import harness

WORK = ("build", "train", "finish", "evaluate")


def main() -> None:
    """Loads and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run")
    run = harness.load(parser.parse_args().run)
    for number, session in enumerate(run.sessions, start=1):
        parts = ", ".join(f"{part} {seconds:g} s" for part, seconds in session.wall_seconds.items())
        print(f"session {number}: {parts}")
    trials = [record for record in run.records if record.kind == "trial" and record.stages]
    stages: Counter[str] = Counter()
    for trial in trials:
        stages.update(trial.stages)
    total = sum(stages.values())
    for stage, seconds in stages.most_common():
        print(f"{stage:10} {seconds:8.1f} s  {seconds / total:5.1%}")
    work = sum(stages[stage] for stage in WORK)
    print(f"in build, training, evaluation and checks: {work / total:.1%} of {total:.1f} s")
    starts = [trial.stages.get("start", 0) + trial.stages.get("import", 0) for trial in trials]
    print(
        f"from asking for a worker to its plugin imported: median {statistics.median(starts):.3f} s"
    )


if __name__ == "__main__":
    main()
