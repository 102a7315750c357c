"""Does the timing group tell equal rows apart, and does it find a row that is slowed by 5 %?

    uv run python -m tests.benchmarks.null_pairs [--copies 14] [--rounds 20] [--out DIR]

One run of the harness times equal rows and slowed ones, each in two processes of its own. Every two
equal rows are compared, and every slowed row with every equal one, as the report does it, by the noise
of the whole group; each pair is judged alone, at the 5 % level.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from pathlib import Path

import harness
from harness.cli.progress import watching
from harness.results.comparison import group_noise, paired_ratio, verdicts
from harness.results.store import RunFolder

SLOWED = 0.05


def main() -> None:
    """Runs, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--copies", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--min-time", type=float, default=0.05)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.copies < 2:
        parser.error("--copies: at least 2, one to be compared with the other")
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
    noise = group_noise(equal + slowed)
    null = [paired_ratio(ours, theirs) for ours, theirs in itertools.combinations(equal, 2)]
    found = [paired_ratio(ours, theirs) for ours in slowed for theirs in equal]
    said = {
        name: [verdicts({"row": ratio}, noise)["row"] for ratio in ratios]
        for name, ratios in (("null", null), ("found", found))
    }
    return {
        "A/A comparisons": len(null),
        "false wins": sum(word != "tie" for word in said["null"]),
        "p below 0.05 by the rounds alone": sum(ratio.p < 0.05 for ratio in null),
        "noise floor": round(noise.floor, 4),
        "slowed comparisons": len(found),
        "found slower": sum(word == "slower" for word in said["found"]),
    }


if __name__ == "__main__":
    main()
