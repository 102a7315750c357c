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


def command(address, trials, out):
    """The command; prints its CPU seconds and those of the clock while the trials ran."""
    import harness

    run = harness.run(
        [str(PLUGIN)], seeds=range(trials), limit=50, timing=False, device="cpu", out=out,
        executor="dask", scheduler=address,
    )  # fmt: skip
    assert all(record.status == "ok" for record in run.records), run.records[0].reason
    print(json.dumps({"seconds": run.sessions[-1].wall_seconds["trials"]}))


def measured(nodes, seconds, rounds):
    """Trials a second, and the processor seconds of the command for each."""
    here = [sys.executable, "-m", "tests.benchmarks.cluster_rate"]
    trials = max(100, nodes * rounds)
    words = [*here, "--serve", str(nodes), "--seconds", str(seconds)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as cluster,
    ):
        address = cluster.stdout.readline().strip()
        cpu = []
        for number, count in enumerate((1, trials)):  # the first costs the start alone
            out = Path(folder) / f"run-{number}"
            words = [*here, "--command", address, "--trials", str(count), "--out", str(out)]
            with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
                lines = process.stdout.read().strip().splitlines()
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                assert process.returncode == 0
            cpu.append(used.ru_utime + used.ru_stime)
        wall = json.loads(lines[-1])["seconds"]
        cluster.stdin.close()
    return trials, wall, (cpu[1] - cpu[0]) / trials


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
        trials, wall, cpu = measured(nodes, options.seconds, options.rounds)
        ideal = trials * options.seconds / nodes
        print(
            f"{nodes} nodes: {trials} trials in {wall:.1f} s ({ideal:.1f} s if nothing cost anything), "
            f"{trials / wall:.1f} a second, {1000 * cpu:.1f} ms of processor time each, "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
