"""Does a measurement group tell equal rows apart, and does it find a row that is slowed by 5 %?

    uv run python -m tests.benchmarks.null_pairs [--layers] [--copies 14] [--rounds 20] [--out DIR]

One run of the harness times equal rows and slowed ones, each in two processes of its own: networks, or
layers. Every two equal rows are compared, and every slowed row with every equal one, as the report does
it, by the noise of the whole group; each pair is judged alone, at the 5 % level. Of a layer only the
forward pass is slowed: its backward passes are all equal.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
from harness.cli.progress import watching
from harness.results.comparison import Rounds, chance, compared, group_noise, verdicts
from harness.results.record import TimingRecord
from harness.results.store import RunFolder

SLOWED = 0.05
HERE = Path(__file__).parent


def main() -> None:
    """Runs, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", action="store_true", help="layers in place of networks")
    parser.add_argument(
        "--copies", type=int, default=14, help="equal rows, and as many slowed ones"
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--min-time", type=float, default=0.05)
    parser.add_argument("--neurons", type=int, default=256, help="of a layer")
    parser.add_argument("--steps", type=int, default=100, help="of a layer")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.copies < 2:
        parser.error("--copies: at least 2, one to be compared with the other")
    scratch = Path(tempfile.mkdtemp(prefix="null-pairs-"))
    out = options.out or scratch / "run"
    with watching() as listener:
        common = {"rounds": options.rounds, "min_time": options.min_time, "out": out}
        common |= {"device": "cpu", "listener": listener}
        run = _layers(options, scratch, common) if options.layers else _networks(options, common)
    print(f"{out}: {options.rounds} rounds of {options.min_time} s")
    for name in ("forward", "backward", "total") if options.layers else _NETWORK_SERIES:
        print(name, json.dumps(judged(run, name, _slowed_in(name))))


_NETWORK_SERIES = ("latency", "inference", "train")


def _networks(options: argparse.Namespace, common: dict[str, Any]) -> harness.Run:
    copies = list(range(1, options.copies + 1))
    params = {"slow": [0.0, SLOWED], "copy": copies, "epochs": 1}
    file = str(HERE / "slowed.py")
    return harness.run([file], params={"slowed": params}, seeds=(0,), **common)


def _layers(options: argparse.Namespace, scratch: Path, common: dict[str, Any]) -> harness.Run:
    numbers = range(1, options.copies + 1)
    files = [scratch / f"{kind}_{n}.py" for n in numbers for kind in ("equal", "slowed")]
    for file in files:
        shutil.copy(HERE / "slowed_layer.py", file)
    return harness.layers(
        [str(file) for file in files],
        neurons=[options.neurons],
        steps=options.steps,
        density=[0.1],
        proved=[0.9],
        **common,
    )


def _slowed_in(series: str) -> Callable[[Any], bool]:
    """Whether a row is slowed in `series`."""
    if series in _NETWORK_SERIES:
        return lambda row: row.params["slow"] > 0
    return lambda row: series != "backward" and row.plugin.startswith("slowed")


def judged(run: harness.Run, series: str, is_slowed: Callable[[Any], bool]) -> dict[str, object]:
    """How many of the comparisons said `faster` or `slower`."""
    folder = RunFolder.open(run.path)
    equal: list[Rounds] = []
    slowed: list[Rounds] = []
    for record in run.records:
        if isinstance(record, TimingRecord) and record.status == "ok":
            taken = folder.read_samples(record.key)["seconds"][series]
            (slowed if is_slowed(record.row) else equal).append(taken)
    noise = group_noise(equal + slowed)
    null = list(itertools.combinations(equal, 2))
    found = list(itertools.product(slowed, equal))
    said = {
        name: [verdicts({"row": compared(*pair, noise)}, noise)["row"] for pair in pairs]
        for name, pairs in (("null", null), ("found", found))
    }
    return {
        "A/A comparisons": len(null),
        "false wins": sum(word != "tie" for word in said["null"]),
        "p below 0.05 by the rounds alone": sum(chance(*pair) < 0.05 for pair in null),
        "noise floor": round(noise.floor, 4),
        "slowed comparisons": len(found),
        "found slower": sum(word == "slower" for word in said["found"]),
    }


if __name__ == "__main__":
    main()
