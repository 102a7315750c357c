"""How many processor cores a process may use."""

from __future__ import annotations

import os

from harness import cgroup


def cores() -> int:
    """The processor cores that this process may use: by its affinity, and by its control group."""
    known = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = cgroup.cores()
    return max(1, min(known or 1, int(quota))) if quota else known or 1
