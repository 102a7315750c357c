"""Trials on the nodes of a cluster, by dask.distributed: one task a trial.

The coordinator alone writes to the run, and only what a node has sent back whole. A task that the
scheduler runs twice, because a node was lost, yields one delivery; what a second run leaves stays in
the scratch folder of its node.
"""

from __future__ import annotations

import logging
import threading
import uuid
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from concurrent.futures import Future, InvalidStateError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from harness.catalogue.digest import host_digest
from harness.catalogue.plugins import Plugin
from harness.coordinator.config import RunConfig
from harness.coordinator.executors import node
from harness.coordinator.executors.job import Job, Outcome
from harness.coordinator.executors.node import Delivery, Order
from harness.coordinator.executors.parcel import Damaged
from harness.coordinator.listener import Listener
from harness.errors import UsageError
from harness.protocol import Event, Failed, Prepared, Progress

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

#: How long a lost scheduler may take to come back before the command ends.
SCHEDULER_SECONDS = 120.0
#: Trials that are handed over at once, at the least: a cluster that grows by itself grows by what waits.
_WAITING = 256
#: What dask raises where the cluster, and not the task, is to blame.
_OF_THE_NETWORK = (OSError, TimeoutError, CancelledError, futures.CancelledError)
#: A network of 1 GB over 100 Mbit/s.
_FETCH_SECONDS = 120.0
#: A trial whose files are damaged on their way is sent this often.
_TRIES = 3


@contextmanager
def dask_executor(
    config: RunConfig, data: Prepared, device: str, slots: int, listener: Listener, resume: str
) -> Iterator[DaskExecutor]:
    """An executor on the cluster of `config.scheduler`, or on one of `slots` nodes on this machine.

    `resume` is the command that carries the run on. UsageError where there is no dask.distributed or
    no such scheduler, or where every node is of another version.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UsageError(
            "--executor dask needs dask.distributed: pip install distributed"
        ) from None
    _silence()
    with ExitStack() as stack:
        address = config.scheduler
        if not address:
            address = stack.enter_context(_embedded(slots, device)).scheduler_address
        executor = DaskExecutor(address, config, data, device, listener, resume)
        stack.callback(executor.close)
        if not config.scheduler:
            executor.parallel = executor.slots = slots
        yield executor


def _silence() -> None:
    """Hushes dask, whose loggers have levels of their own: what matters, the host says in one line."""
    for name in ("asyncio", *logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("asyncio", "distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


@contextmanager
def _embedded(slots: int, device: str) -> Iterator[LocalCluster]:
    """A cluster on this machine, of one process for each trial that runs at once."""
    import dask
    from distributed import LocalCluster

    logging.getLogger("distributed").setLevel(
        logging.CRITICAL
    )  # what matters, the host says itself

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


class DaskExecutor:
    """Sends each trial to a node as one task, and keeps what comes back."""

    def __init__(
        self,
        address: str,
        config: RunConfig,
        data: Prepared,
        device: str,
        listener: Listener,
        resume: str,
    ) -> None:
        self._address, self._config, self._listener = address, config, listener
        self._resume, self._gpu = resume, device.startswith("cuda")
        self._folders = tuple(config.data_folders())
        self._host, self._arrays = host_digest(), str(data.facts.get("digest", ""))
        self._name = f"harness-{uuid.uuid4().hex[:12]}"
        self._lock, self._reconnecting = threading.Lock(), threading.Lock()
        self._refused: dict[str, str] = {}
        self._progress: dict[str, Callable[[Progress], None]] = {}
        self._answers: set[Future[Delivery]] = set()
        self._stopped = False
        self._client = self._connect(monotonic() + 10.0)
        nodes = self._nodes()
        self.slots = max(1, sum(each["nthreads"] for each in nodes.values()))
        self.parallel = config.jobs or max(_WAITING, 2 * self.slots)
        if not nodes:
            listener.message(f"no node has joined {address} yet: waiting for one")
        elif self._gpu and not any(each["resources"].get("GPU") for each in nodes.values()):
            raise UsageError(
                f"no node of {address} offers a GPU: start nodes with --resources 'GPU=1'"
            )

    def check(self, plugins: list[Plugin]) -> None:
        """Refuses the nodes of another version; UsageError where that leaves none of those there are."""
        for plugin in plugins:
            if plugin.interpreter:
                raise UsageError(
                    f"{plugin.label} has an environment of its own, which nodes do not build: run it "
                    "with --executor local, or install it on every node without --isolate"
                )
            self._inspect(plugin)
        nodes = self._nodes()
        if nodes and not nodes.keys() - self._refused.keys():
            raise UsageError(f"no node can take part: {next(iter(self._refused.values()))}")

    def run(self, job: Job, progress: Callable[[Progress], None]) -> Outcome:
        """As `Executor.run`; a trial whose node or scheduler is lost is run again elsewhere."""
        order, damaged = self._order(job), 0
        while True:
            client, key = self._client, f"{self._name}-{job.trial.key}-{uuid.uuid4().hex[:8]}"
            with self._lock:
                self._progress[key] = progress
            try:
                delivery = self._deliver(client, order, key)
                if delivery.refused:
                    self._refuse(delivery.address, delivery.refused)
                    continue
                return self._keep(delivery, job)
            except Damaged as error:
                damaged += 1
                if damaged == _TRIES:
                    return Outcome(Failed(status="crashed", reason=f"{error}, {_TRIES} times"))
            except _Lost:
                self._reconnect(client)
            except _Failing as error:
                # The function itself raises nothing: the node could not even load it, or dies of it.
                if not self._inspect(job.plugin):
                    return Outcome(Failed(status="crashed", reason=str(error)))
            finally:
                with self._lock:
                    self._progress.pop(key, None)

    def reload(self, job: Job, fields: Mapping[str, Any], outcome: Outcome) -> Event:
        """As `Executor.reload`: the node has done it, because another processor may round otherwise."""
        nothing = Failed(status="crashed", reason="the node has not loaded the network again")
        return outcome.reload or nothing

    def stop(self) -> None:
        """Gives up whatever is at work; the nodes end it as soon as they notice."""
        with self._lock:
            self._stopped = True
            for answer in self._answers:
                if not answer.done():
                    answer.set_exception(_Stopped())

    def close(self) -> None:
        """Leaves the cluster; what still runs for this command is ended by its node."""
        self.stop()
        with suppress(Exception):
            self._client.close(timeout=5)

    def _order(self, job: Job) -> Order:
        file = job.plugin.location.file
        return Order(
            plugin=job.plugin,
            trial=job.trial,
            host=self._host,
            task=self._config.task,
            data=self._folders,
            arrays=self._arrays,
            source=Path(file).read_bytes() if file else b"",
            timeout=self._config.timeout,
            memory=self._config.memory,
        )

    def _deliver(self, client: Client, order: Order, key: str) -> Delivery:
        """Submits the task and waits; _Lost where the cluster lost it, _Failing where it raised."""
        answer: Future[Delivery] = Future()
        with self._lock:
            if self._stopped:
                raise _Stopped
            self._answers.add(answer)
        try:
            refused = self._refused.keys()  # asked for only then: the answer is long
            accepted = list(self._nodes().keys() - refused) if refused else None
            task = client.submit(
                on_node, order, self._name, key, key=key, pure=False,
                workers=accepted,
                resources={"GPU": 1} if self._gpu else None,
            )  # fmt: skip
            task.add_done_callback(lambda done: _settle(answer, done))
            return answer.result()
        except (_Stopped, _Failing):
            raise
        except (Exception, CancelledError) as error:
            if self._stopped:
                raise _Stopped from None
            if isinstance(error, _OF_THE_NETWORK) or client.status != "running":
                raise _Lost from None
            raise _Failing(f"{type(error).__name__}: {error}".splitlines()[0]) from None
        finally:
            with self._lock:
                self._answers.discard(answer)

    def _keep(self, delivery: Delivery, job: Job) -> Outcome:
        """Writes what came back; Damaged where not all of it did, and then nothing is written."""
        for name, parcel in delivery.files.items():
            if parcel:
                parcel.check(name)
        for name, path in {
            "state": job.state, "predictions": job.predictions, "log": job.log
        }.items():  # fmt: skip
            if parcel := delivery.files.get(name):
                try:
                    parcel.keep(path)
                except OSError as error:
                    raise UsageError(
                        f"cannot write to {path.parent} ({error.strerror}): free some room, then "
                        f"{self._resume}"
                    ) from None
        assert delivery.outcome is not None
        return delivery.outcome

    def _nodes(self) -> dict[str, Any]:
        """The nodes that the scheduler knows, by their addresses."""
        return dict(self._client.scheduler_info(n_workers=-1)["workers"])

    def _inspect(self, plugin: Plugin) -> bool:
        """Asks every node whether it has the same code; True where one more was refused."""
        before = len(self._refused)
        source = b"file" if plugin.location.file else b""
        with suppress(OSError, RuntimeError, TimeoutError):
            told = self._client.run(
                node.mismatch, self._host, plugin, source, on_error="return"
            )  # fmt: skip
            for address, reason in told.items():
                if isinstance(reason, Exception):
                    reason = f"it cannot run snn-harness: {reason}"
                if reason:
                    self._refuse(address, reason)
        return len(self._refused) > before

    def _refuse(self, address: str, reason: str) -> None:
        with self._lock:
            new = address not in self._refused
            self._refused[address] = f"node {address} is left out: {reason}"
        if new:
            self._listener.message(self._refused[address])
        if not self._nodes().keys() - self._refused.keys():
            raise UsageError(f"no node can take part: {self._refused[address]}")

    def _connect(self, until: float) -> Client:
        from distributed import Client

        try:
            client = Client(self._address, timeout=max(1.0, until - monotonic()), name=self._name)
        except (OSError, ValueError, TimeoutError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(
                f"no scheduler answers at {self._address} ({reason}): start it with: dask scheduler"
            ) from None
        client.subscribe_topic(self._name, self._heard)
        return client

    def _reconnect(self, lost: Client) -> None:
        """Another client, where `lost` is still the one in use; UsageError where none can be had."""
        with self._reconnecting:
            if self._client is not lost or lost.status == "running":
                sleep(0.1)  # the task alone was lost
                return
            self._listener.message(f"lost the scheduler at {self._address}: waiting for it")
            with suppress(Exception):
                lost.close(timeout=1)
            until = monotonic() + SCHEDULER_SECONDS
            while True:
                if self._stopped:
                    raise _Stopped
                try:
                    self._client = self._connect(monotonic() + 5.0)
                    break
                except UsageError as error:
                    if monotonic() > until:
                        raise UsageError(f"{error}; then {self._resume}") from None
                    sleep(1.0)
            self._listener.message(f"found the scheduler at {self._address} again")

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        with self._lock:
            progress = self._progress.get(event[1]["key"])
        if progress:
            progress(Progress(**event[1]["progress"]))


class _Stopped(Exception):
    """The command ends."""


class _Lost(Exception):
    """The cluster has lost the task."""


class _Failing(Exception):
    """The task raised, or every node that ran it died."""


def _settle(answer: Future[Delivery], done: Any) -> None:
    """Hands the result of a dask future on, unless the command has given it up."""
    result: Delivery | None = None
    error: BaseException | None = None
    try:
        result = done.result(timeout=_FETCH_SECONDS)
    except BaseException as raised:
        error = raised
        if done.status == "error":
            error = _Failing(f"{type(raised).__name__}: {raised}".splitlines()[0])
    with suppress(InvalidStateError):  # stopped meanwhile
        if error is None and result is not None:
            answer.set_result(result)
        else:
            answer.set_exception(error)


def on_node(order: Order, topic: str, key: str) -> Delivery:
    """The task: runs on a node, in a thread of its dask worker."""
    from distributed import get_worker

    worker: Any = get_worker()
    name = node.facts()["name"]

    def tell(progress: Progress) -> None:
        placed = progress.model_copy(update={"node": name})
        worker.log_event(topic, {"key": key, "progress": placed.model_dump()})

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state not in ("cancelled", "released", "forgotten")

    return node.carry_out(order, worker.address, tell, wanted)
