"""How many processor cores a process may use, and when it used more."""

from __future__ import annotations

import os

from harness import cgroup

#: The CPU time of a process may be so many times that of the threads that it was asked to have.
MOST_CORES = 1.25


def cores() -> int:
    """The processor cores that this process may use: by its affinity, and by its control group."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = cgroup.cores()
    return max(1, min(known or 1, int(quota))) if quota else known or 1
