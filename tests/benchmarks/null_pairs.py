"""Does the timing group tell equal rows apart, and does it find a row that is slowed by 5 %?

    uv run python -m tests.benchmarks.null_pairs [--copies 14] [--rounds 10] [--out DIR]

One run of the harness times equal networks and slowed ones, each in a process of its own. Every two
equal rows are compared, and every slowed row with every equal one, as the report does it; each pair
is judged alone, at the 5 % level, against the noise floor of a null pair that it has no part in.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
from pathlib import Path

import harness
from harness.cli.progress import watching
from harness.results.comparison import noise_floor, paired_ratio, verdicts
from harness.results.store import RunFolder

SLOWED = 0.05


def main() -> None:
    """Runs, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--min-time", type=float, default=0.05)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.copies < 4:
        parser.error("--copies: at least 4, so that a pair is judged by another pair's floor")
    out = options.out or Path(tempfile.mkdtemp(prefix="null-pairs-")) / "run"
    copies = ",".join(str(copy) for copy in range(1, options.copies + 1))
    with watching() as listener:
        run = harness.run(
            [str(Path(__file__).with_name("slowed.py"))],
            sets=[f"slowed.slow=0,{SLOWED}", f"slowed.copy={copies}", "slowed.epochs=1"],
            seeds=(0,),
            rounds=options.rounds,
            min_time=options.min_time,
            out=out,
            listener=listener,
        )
    print(f"{out}: {options.rounds} rounds of {options.min_time} s")
    for what in ("latency", "inference", "train"):
        print(what, json.dumps(judged(run, what)))


def judged(run: harness.Run, what: str) -> dict[str, object]:
    """How many of the comparisons said `faster` or `slower`."""
    folder = RunFolder.open(run.path)
    equal, slowed = [], []
    for record in run.records:
        if record.stage == "timing" and record.status == "ok":
            taken = folder.read_samples(record.key)["seconds"][what]
            (slowed if record.params["slow"] else equal).append(taken)
    pairs = list(itertools.combinations(range(len(equal)), 2))
    draws = random.Random(0)
    floors = {pair: noise_floor(paired_ratio(equal[pair[0]], equal[pair[1]])) for pair in pairs}

    def says(ours: list[list[float]], theirs: list[list[float]], taken: set[int]) -> str:
        floor = draws.choice([f for pair, f in floors.items() if not taken & set(pair)])
        return verdicts({"row": paired_ratio(ours, theirs)}, floor)["row"]

    null = [says(equal[a], equal[b], {a, b}) for a, b in pairs]
    found = [says(ours, equal[b], {b}) for ours in slowed for b in range(len(equal))]
    raw = [paired_ratio(equal[a], equal[b]) for a, b in pairs]
    return {
        "A/A comparisons": len(null),
        "false wins": sum(word != "tie" for word in null),
        "p below 0.05 before the floor": sum(ratio.p < 0.05 for ratio in raw),
        "median floor": round(sorted(floors.values())[len(floors) // 2], 4),
        "slowed comparisons": len(found),
        "found slower": sum(word == "slower" for word in found),
    }


if __name__ == "__main__":
    main()
