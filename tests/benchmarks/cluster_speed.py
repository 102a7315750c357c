"""How much faster do two nodes on two cores train a sweep than one node on one?

    uv run python -m tests.benchmarks.cluster_speed [--pairs 3] [--seeds 8] [--epochs 30]

A real scheduler, nodes that may use one core each, and the real command without timings. The two cases
take turns on the same cluster: others who compute on the machine disturb both. The seconds are those of the
trials (`wall_seconds` in run.json), without the imports before and the report after them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from tests.faults.cluster import Cluster, kill, records, script


def seconds_of(cluster, out, options):
    """The seconds that the trials took on the nodes that there are."""
    seeds = ",".join(map(str, range(options.seeds)))
    words = [script("harness"), "run", "--plugins", "native-bptt", "--seeds", seeds, "--no-timing"]
    words += ["--set", f"native-bptt.epochs={options.epochs}", "--out", out, *cluster.there()]
    run = cluster.start(words)
    assert run.wait(3600) == 0, run.log.read_text()
    assert {record["status"] for record in records(out)} == {"ok"}
    return json.loads((out / "run.json").read_text())["sessions"][-1]["wall_seconds"]["trials"]


def main():
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=8, help="trials of a run")
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="harness-speed-")))
    ratios = []
    try:
        cluster.start_scheduler()
        nodes = cluster.nodes = [cluster.node(core=core) for core in cores]
        seconds_of(cluster, cluster.folder / "warm", options)
        for pair in range(options.pairs):
            two = seconds_of(cluster, cluster.folder / f"two-{pair}", options)
            kill(nodes[1])
            nodes[1].wait()
            one = seconds_of(cluster, cluster.folder / f"one-{pair}", options)
            ratios.append(one / two)
            load = os.getloadavg()[0]
            print(
                f"one {one:.1f} s, two {two:.1f} s: {ratios[-1]:.2f} times, load {load:.1f}",
                flush=True,
            )
            if pair + 1 < options.pairs:  # a new node imports torch
                nodes[1] = cluster.node(core=cores[1])
                seconds_of(cluster, cluster.folder / f"warm-{pair}", options)
    finally:
        cluster.end()
    print(f"median of {len(ratios)}: {statistics.median(ratios):.2f} times as fast")


if __name__ == "__main__":
    main()
