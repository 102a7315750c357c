"""What runs on a node of a cluster: one trial, in a worker that is started there as anywhere.

A node writes nothing of a run. What a trial leaves lies in a scratch folder and goes back as bytes.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, cast

from harness.catalogue.digest import file_digest, host_digest
from harness.catalogue.plugins import Plugin, discover, from_file
from harness.coordinator import environment
from harness.coordinator.data import prepare
from harness.coordinator.executors.job import Job, Outcome, Stages, reload_here, run_here
from harness.coordinator.executors.order import Delivery, Order
from harness.coordinator.executors.parcel import LOG_BYTES, Parcel
from harness.coordinator.processes.pool import Workers
from harness.coordinator.processes.process import Worker
from harness.errors import UsageError
from harness.protocol.events import Failed, Progress, Trained

#: A trial that nobody waits for any more is ended within this time.
_LOOK_SECONDS = 1.0
#: Progress goes to the coordinator at most this often, and whenever a stage begins.
_TELL_SECONDS = 1.0


def dask_setup(_worker: object) -> None:
    """Dask calls it in a node of this machine: Ctrl-C is for the coordinator, which ends its nodes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def carry_out(
    order: Order, address: str, tell: Callable[[Progress], None], wanted: Callable[[], bool]
) -> Delivery:
    """Runs a trial on this node, whose `address` it names; ends it where it is not `wanted` any more."""
    try:
        return _carried_out(order, address, tell, wanted)
    except OSError as error:  # a full disk, for one: another node may have room
        reason = f"node {facts()['name']}: {error.strerror or error}; mend it, then --retry failed"
        return Delivery(address, Outcome(Failed(status="crashed", reason=reason), node=facts()))


def _carried_out(
    order: Order, address: str, tell: Callable[[Progress], None], wanted: Callable[[], bool]
) -> Delivery:
    with tempfile.TemporaryDirectory(prefix="harness-node-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        if reason := mismatch(order.host, order.plugin, order.source):
            return Delivery(address, refused=reason)
        if order.evidence and (reason := order.evidence.mismatch()):
            return Delivery(address, refused=reason)
        workers = _workers(order.memory)
        try:
            data, arrays = _data(order.task, order.data, workers)
        except UsageError as error:
            return Delivery(address, refused=f"it has not the data: {error}")
        if arrays != order.arrays:
            return Delivery(address, refused=f"its data of task {order.task} are other data")
        job = Job(
            _placed(order, scratch),
            order.trial,
            log=scratch / "log",
            state=scratch / "state",
            predictions=scratch / "predictions",
            asked=order.evidence.asked(scratch) if order.evidence else {},
        )
        watched = cast(Workers, _Watched(workers, wanted))
        outcome = run_here(watched, job, data, order.timeout, _seldom(tell))
        if isinstance(outcome.event, Trained) and job.state.is_file():
            stages = Stages(outcome.stages, "reload")
            reload = reload_here(watched, job, data, order.timeout, outcome.event)
            stages.enter("end")
            outcome = replace(outcome, reload=reload, stages=stages.seconds)
        files = {
            "state": Parcel.of(job.state),
            "predictions": Parcel.of(job.predictions),
            "log": Parcel.of(job.log, LOG_BYTES),
        }
        if job.asked:
            files["evidence"] = Parcel.of(Path(job.asked["evidence"]))
        return Delivery(address, replace(outcome, node=facts()), files)


def mismatch(host: str, plugin: Plugin, source: bytes = b"") -> str:
    """Why this node would train another network than the coordinator's machine; "" where it would not."""
    if host_digest() != host:
        return "it has another version of snn-harness: install the same on every node"
    if source:
        return ""
    installed = {each.name: each for each in _installed()}.get(plugin.name)
    if installed is None:
        return f"it lacks plugin {plugin.name}: install the same on every node"
    if installed.status != "ready":
        return f"its plugin {plugin.name} is {installed.status}: {installed.reason}"
    if installed.digest != plugin.digest:
        return f"it has another version of plugin {plugin.name}: install the same on every node"
    if installed.framework_version != plugin.framework_version:
        return (
            f"it has {plugin.framework} {installed.framework_version or 'of no version'}, not "
            f"{plugin.framework_version or 'of no version'}: install the same on every node"
        )
    return ""


@cache
def facts() -> dict[str, Any]:
    """The machine, for the record of a trial that ran on it."""
    machine = environment.describe([])
    kept = ("python", "platform", "cpu", "cores", "memory_bytes", "gpus")
    packages = {name: v for name, v in machine["packages"].items() if name in ("torch", "numpy")}
    return {
        "name": socket.gethostname(),
        **{name: machine[name] for name in kept},
        "packages": packages,
    }


def _placed(order: Order, scratch: Path) -> Plugin:
    """The plugin; one that is a file comes along, unless the same lies here at its own place."""
    plugin, path = order.plugin, Path(order.plugin.location.file)
    if not order.source or (path.is_file() and file_digest(path) == plugin.digest):
        return plugin
    path = scratch / path.name
    path.write_bytes(order.source)
    return from_file(path)


class _Watched:
    """Workers whose trial is ended when nobody wants it: its coordinator died, or it runs elsewhere."""

    def __init__(self, workers: Workers, wanted: Callable[[], bool]) -> None:
        self._workers, self._wanted = workers, wanted

    @contextmanager
    def start(self, *how: Any, **where: Any) -> Iterator[Worker]:
        over = threading.Event()
        with self._workers.start(*how, **where) as worker:

            def look() -> None:
                while not over.wait(_LOOK_SECONDS):
                    if not self._wanted():
                        worker.end(Failed(status="crashed", reason="nobody waits for it any more"))
                        return

            threading.Thread(target=look, daemon=True).start()
            try:
                yield worker
            finally:
                over.set()


def _seldom(tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
    last, stage = 0.0, ""

    def progress(now: Progress) -> None:
        nonlocal last, stage
        if now.stage != stage or monotonic() - last >= _TELL_SECONDS:
            last, stage = monotonic(), now.stage
            tell(now)

    return progress


_lock = threading.Lock()
_started: dict[float | None, Workers] = {}
_prepared: dict[tuple[str, tuple[str, ...]], tuple[str, str]] = {}


def _workers(memory: float | None) -> Workers:
    """The workers of this process, one set for each limit of memory; they end with it."""
    with _lock:
        if memory not in _started:
            _started[memory] = Workers(memory=memory)
            atexit.register(_started[memory].__exit__)
        return _started[memory]


def _data(task: str, folders: tuple[str, ...], workers: Workers) -> tuple[str, str]:
    """The path and the digest of the task's prepared arrays, found or made once for each process."""
    with _lock:
        key = (task, folders)
        if key not in _prepared:
            here = [part for part in os.environ.get("HARNESS_DATA", "").split(os.pathsep) if part]
            prepared = prepare(task, [*folders, *here], workers, lambda _: None)
            _prepared[key] = prepared.path, str(prepared.facts.get("digest", ""))
        return _prepared[key]


@cache
def _installed() -> list[Plugin]:
    return discover()
