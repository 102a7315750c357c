"""The limits of the control group that this process is in: of a container, or of a batch system's job.

Versions 1 and 2 of Linux's control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html. A limit
holds for a group and all below it, so the lowest on the way to the root counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/")
#: Version 1 writes "no limit" as the largest multiple of a page.
_UNLIMITED = 2**60


def cores(root: Path = _ROOT) -> float | None:
    """The processor time a second that may be used, in cores; None without a limit."""
    limits = []
    for group in _groups(root, "cpu"):
        quota, period = (
            _numbers(group / "cpu.max", 2)
            or (
                *_numbers(group / "cpu.cfs_quota_us", 1),
                *_numbers(group / "cpu.cfs_period_us", 1),
                0,
                0,
            )[:2]
        )
        if quota > 0 and period > 0:
            limits.append(quota / period)
    return min(limits, default=None)


def memory_bytes(root: Path = _ROOT) -> int | None:
    """The memory that may be used; None without a limit."""
    return min((limit for limit, _ in _memory(root)), default=None)


def free_bytes(root: Path = _ROOT) -> int | None:
    """What is left of the memory that may be used; None without a limit.

    Pages of files that were not read lately count as free: the kernel drops them before it kills.
    """
    return min((max(0, limit - used) for limit, used in _memory(root)), default=None)


def _memory(root: Path) -> Iterator[tuple[int, int]]:
    """The limit of each group that has one, and what is used of it."""
    for group in _groups(root, "memory"):
        for limit_file, used_file, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit = _numbers(group / limit_file, 1)
            if limit and 0 < limit[0] < _UNLIMITED:
                used = _numbers(group / used_file, 1) or (0,)
                yield limit[0], used[0] - _statistic(group / "memory.stat", cached)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's group and of those above it."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, names, inside = (*line.split(":", 2), "", "")[:3]
        if names and controller not in names.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if names else "")
        # In a container the path may be the host's, of which nothing is mounted but the group itself.
        path = Path(inside.lstrip("/"))
        for folder in (path, *path.parents):
            if (mount / folder).is_dir():
                yield mount / folder


def _statistic(path: Path, name: str) -> int:
    """The number on the line `name` of a file; 0 where there is none."""
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return 0


def _numbers(path: Path, count: int) -> tuple[int, ...]:
    """The first numbers in a file; none where it is missing, or says `max`."""
    with suppress(OSError, ValueError):
        words = path.read_text().split()[:count]
        if len(words) == count:
            return tuple(map(int, words))
    return ()
