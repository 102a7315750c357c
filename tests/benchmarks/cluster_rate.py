"""How many trials a second does the coordinator of a cluster keep up with, and what does one cost it?

    uv run python -m tests.benchmarks.cluster_rate [--nodes 1,10,50,200] [--seconds 2] [--rounds 5]

The nodes are simulated: threads of one process, beside the scheduler, that wait for so many seconds and
send back what one real trial of a plugin that does nothing came to. All else is real: the command, the
scheduler, the network (loopback), the records and files on disk.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness.coordinator.listener import Listener

PLUGIN = Path(__file__).with_name("idle_plugin.py")


def serve(nodes, seconds):
    """A scheduler and its nodes, until the input ends; prints the address."""
    from distributed import LocalCluster

    from harness.coordinator.executors import node
    from harness.coordinator.executors.embedded import silence

    real, lock, sound = node.carry_out, threading.Lock(), []

    def carry_out(order, address, tell, wanted):
        with lock:
            if not sound:
                sound.append(real(order, address, tell, wanted))
        time.sleep(seconds)
        return dataclasses.replace(sound[0], address=address)

    node.carry_out = carry_out
    silence()
    with LocalCluster(
        n_workers=nodes, threads_per_worker=1, processes=False, dashboard_address=":0",
        memory_limit=0, protocol="tcp://", host="127.0.0.1",
    ) as cluster:  # fmt: skip
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
    os._exit(0)


class Clock(Listener):
    """The seconds and the processor seconds between the tenth record of a run and its last."""

    BEFORE = 10  # connecting, and the first imports of what scores

    def __init__(self):
        self._times = []

    def recorded(self, label, record):
        self._times.append((time.monotonic(), time.process_time()))

    def spent(self):
        first, *later = self._times[self.BEFORE :]
        seconds, cpu = (now - then for now, then in zip(later[-1], first, strict=True))
        return {"trials": len(later), "seconds": seconds, "cpu": cpu}


def command(address, trials, out):
    """The command; prints what the clock says."""
    import harness

    clock = Clock()
    run = harness.run(
        [str(PLUGIN)], seeds=range(trials), limit=50, timing=False, device="cpu", out=out,
        executor="dask", scheduler=address, listener=clock,
    )  # fmt: skip
    assert all(record.status == "ok" for record in run.records), run.records[0].reason
    print(json.dumps(clock.spent()))


def measured(nodes, seconds, rounds):
    """What the clock of a command says."""
    here = [sys.executable, "-m", "tests.benchmarks.cluster_rate"]
    words = [*here, "--serve", str(nodes), "--seconds", str(seconds)]
    trials = str(max(100, nodes * rounds))
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as cluster,
    ):
        address = cluster.stdout.readline().strip()
        words = [*here, "--command", address, "--trials", trials, "--out", f"{folder}/run"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        cluster.stdin.close()
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", default="1,10,50,200")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a trial takes on its node")
    parser.add_argument("--rounds", type=int, default=5, help="trials for each node")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--command", help=argparse.SUPPRESS)
    parser.add_argument("--trials", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.seconds)
    if options.command:
        command(options.command, options.trials, options.out)
        return
    for nodes in map(int, options.nodes.split(",")):
        found = measured(nodes, options.seconds, options.rounds)
        rate = found["trials"] / found["seconds"]
        print(
            f"{nodes} nodes: {found['trials']} trials in {found['seconds']:.1f} s, {rate:.1f} a second of "
            f"{nodes / max(options.seconds, 1e-9):.1f} that the nodes could do, "
            f"{1000 * found['cpu'] / found['trials']:.1f} ms of the command's processor time each, "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
