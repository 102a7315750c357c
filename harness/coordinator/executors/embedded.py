"""A cluster of this machine's own, for `--executor dask` without a scheduler; and dask kept quiet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.coordinator.executors import node

if TYPE_CHECKING:
    from distributed import LocalCluster


def silence() -> None:
    """Hushes dask, whose loggers have levels of their own: what matters, the host says in one line."""
    for name in ("asyncio", "distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def embedded(slots: int, device: str) -> Iterator[LocalCluster]:
    """A cluster on this machine, of one process for each trial that runs at once."""
    import dask
    from distributed import LocalCluster

    # Dask would set variables of the allocator and of threads: a worker's are the host's business.
    settings = {"distributed.nanny.pre-spawn-environ": {}, "distributed.worker.daemon": True}
    with dask.config.set(settings), LocalCluster(
        n_workers=slots,
        threads_per_worker=1,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=[node.__name__],
        resources={"GPU": 1} if device.startswith("cuda") else None,
    ) as cluster:  # fmt: skip
        yield cluster
