"""Is this machine fit to measure on, and how small a difference could it show?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness import cgroup
from harness.coordinator.group.measure import measure
from harness.coordinator.group.member import Procedure, Subject
from harness.coordinator.listener import Listener
from harness.coordinator.processes.pool import Workers
from harness.coordinator.scratch import scratch_folder
from harness.cores import cores
from harness.errors import UsageError
from harness.protocol.requests import OpenProbe
from harness.results.comparison import Ratio, compared, detectable, group_noise

#: The one kind of round of the probe.
PROBE = "probe"
#: A load average above this, for each core, is another program's work.
BUSY = 0.5
#: A card with less free memory than this share is another program's, too.
FREE = 0.8
#: A machine that shows one program to itself further apart than this shows no small differences.
LOUD = 0.05


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `fit` says whether it speaks for the machine."""

    name: str
    value: str
    fit: bool = True
    advice: str = ""


#: Equal rows in the group that a machine is judged by.
ROWS = 4


@dataclass(frozen=True)
class NullGroup:
    """One piece of work entered as several rows of a measurement group.

    `ratio` is that of the first two, `detectable` the smallest slowdown of the one that would be
    shown against the other.
    """

    ratio: Ratio
    floor: float
    detectable: float
    rounds: int


def null_group(
    device: str,
    threads: int,
    rounds: int,
    min_time: float,
    workers: Workers,
    listener: Listener,
) -> NullGroup:
    """Measures the probe against itself; UsageError where its workers fail."""
    request = OpenProbe(device=device, threads=threads)
    subjects = [
        Subject(
            key=f"probe{place}",
            label="the probe",
            framework="",
            device=device,
            threads=threads,
            opening=lambda _to_follow: request,
            whats=(PROBE,),
            memory=False,
        )
        for place in range(ROWS)
    ]
    procedure = Procedure(rounds, min_time, calls=3, timeout=None, jobs=cores())
    with scratch_folder() as scratch:

        def log(key: str, process: int) -> Path:
            return scratch / f"{key}-{process}.log"

        result = measure(subjects, procedure, log, workers, listener.measuring)
        for member in result.members:
            if member.failed:
                path = scratch / Path(member.log).name
                lines = path.read_text(errors="replace").split("\n") if path.exists() else []
                last = next((line for line in reversed(lines) if line.strip()), "")
                raise UsageError(
                    f"the probe failed: {member.failed.reason}{': ' + last if last else ''}"
                )
    taken = [member.times[PROBE] for member in result.members]
    noise = group_noise(taken)
    return NullGroup(
        compared(taken[0], taken[1], noise),
        noise.floor,
        detectable(taken[0], taken[1], noise),
        rounds,
    )


def examine(threads: int) -> list[Finding]:
    """What can be seen without measuring: load, frequency, cores, memory."""
    load = psutil.getloadavg()[0]
    busy = load > BUSY * cores()
    advice = "something else is running: wait until it is done" if busy else ""
    findings = [
        _cores(threads),
        Finding("load", f"{load:.2f} on {cores()} cores", not busy, advice),
        _governor(Path("/sys/devices/system/cpu")),
    ]
    left = cgroup.free_bytes()
    free = min(psutil.virtual_memory().available, math.inf if left is None else left)
    low = free < 2 * 2**30
    advice = "less than 2 GiB: large batches will not fit" if low else ""
    findings.append(Finding("memory", f"{free / 2**30:.1f} GiB free", not low, advice))
    return findings


def examine_card(state: Mapping[str, Any]) -> list[Finding]:
    """What the driver tells of a GPU (`gpu_state`): which it is, its clock, heat, power and room."""
    if not state:
        return [Finding("card", "unknown: the driver does not tell (NVML)")]
    clock, top = state.get("sm_clock_mhz"), state.get("max_sm_clock_mhz")
    reasons = state.get("throttled_by") or []
    advice = "the card is slower than it could be: let it cool, or raise its limits"
    findings = [Finding("card", f"{state.get('name', '?')}, driver {state.get('driver', '?')}")]
    if clock is not None:
        findings.append(Finding("card clock", f"{clock} MHz" + (f" of {top}" if top else "")))
    findings.append(
        Finding(
            "throttled by", ", ".join(reasons) or "nothing", not reasons, advice * bool(reasons)
        )
    )
    for name, key, unit in (
        ("temperature", "temperature_c", "°C"),
        ("power limit", "power_limit_w", "W"),
    ):
        if key in state:
            findings.append(Finding(name, f"{state[key]:g} {unit}"))
    if "free_bytes" in state and "memory_bytes" in state:
        free, total = state["free_bytes"], state["memory_bytes"]
        used = free < FREE * total
        room = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
        busy = "another program uses the card" if used else ""
        findings.append(Finding("card memory", room, not used, busy))
    return findings


def judge(group: NullGroup) -> list[Finding]:
    """What the null group says."""
    ratio, loud = group.ratio, group.floor > LOUD
    low, high = (f"{end:.3f}" if end is not None else "?" for end in (ratio.low, ratio.high))
    advice = f"above {100 * LOUD:.0f} %: only large differences can be shown here" if loud else ""
    return [
        Finding("A/A ratio", f"{ratio.value:.3f} [{low}, {high}] in {group.rounds} rounds"),
        Finding("noise floor", f"{100 * group.floor:.1f} %", not loud, advice),
        Finding("smallest difference", f"{100 * group.detectable:.1f} % would be shown"),
    ]


def _cores(threads: int) -> Finding:
    spare = cores() > threads
    advice = "" if spare else "no core is left for the rest of the system: use fewer --threads"
    return Finding("cores", f"{cores()}, {threads} for each worker", spare, advice)


def _governor(folder: Path) -> Finding:
    """Whether the clock is let to follow the load, where the kernel tells."""
    governors = {path.read_text().strip() for path in folder.glob("cpu*/cpufreq/scaling_governor")}
    if not governors:
        return Finding("frequency", "unknown: the kernel does not tell (a virtual machine?)")
    fixed = governors == {"performance"}
    advice = "" if fixed else "the clock follows the load: set the governor to performance"
    return Finding("frequency", ", ".join(sorted(governors)), fixed, advice)
