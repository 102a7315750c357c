"""Trials on the nodes of a cluster, by dask.distributed: one task a trial.

The coordinator alone writes to the run, and only what a node has sent back whole. A task that the
scheduler runs twice, because a node was lost, yields one delivery; what a second run leaves stays in
the scratch folder of its node.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.catalogue.digest import host_digest
from harness.catalogue.plugins import Plugin
from harness.config.options import RunConfig
from harness.coordinator.executors.connection import Connection
from harness.coordinator.executors.embedded import embedded, silence
from harness.coordinator.executors.job import Job, Outcome
from harness.coordinator.executors.order import Delivery, Evidence, Order
from harness.coordinator.executors.parcel import Damaged
from harness.coordinator.executors.roster import Roster
from harness.coordinator.executors.submission import Failing, Lost, Submissions
from harness.coordinator.listener import Listener
from harness.errors import UsageError
from harness.protocol.events import Event, Failed, Prepared, Progress

#: Trials that are handed over at once, at the least: a cluster that grows by itself grows by what waits.
_WAITING = 256
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
    silence()
    with ExitStack() as stack:
        address = config.scheduler
        if not address:
            address = stack.enter_context(embedded(slots, device)).scheduler_address
        executor = DaskExecutor(address, config, data, device, listener, resume)
        stack.callback(executor.close)
        if not config.scheduler:
            executor.parallel = executor.slots = slots
        yield executor


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
        self._config, self._resume = config, resume
        self._folders = tuple(config.data_folders())
        self._host, self._arrays = host_digest(), str(data.facts.get("digest", ""))
        self._name = f"harness-{uuid.uuid4().hex[:12]}"
        gpu = device.startswith("cuda")
        self._submissions = Submissions(self._name, gpu)
        self._connection = Connection(address, self._name, listener, resume)
        self._roster = Roster(self._connection, self._host, listener)
        nodes = self._roster.nodes()
        self.slots = max(1, sum(each["nthreads"] for each in nodes.values()))
        self.parallel = config.jobs or max(_WAITING, 2 * self.slots)
        self._roster.announce(bool(nodes), "no node has joined {} yet")
        if nodes and gpu and not any(each["resources"].get("GPU") for each in nodes.values()):
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
            self._roster.inspect(plugin)
        self._roster.check_some()

    def run(self, job: Job, progress: Callable[[Progress], None]) -> Outcome:
        """As `Executor.run`; a trial whose node or scheduler is lost is run again elsewhere."""
        order, damaged = self._order(job), 0
        while True:
            client = self._connection.client
            key = f"{self._name}-{job.trial.key}-{uuid.uuid4().hex[:8]}"
            self._connection.hear(key, progress)
            try:
                delivery = self._submissions.deliver(client, order, key, self._roster)
                if delivery.refused:
                    self._roster.refuse(delivery.address, delivery.refused)
                    continue
                return self._keep(delivery, job)
            except Damaged as error:
                damaged += 1
                if damaged == _TRIES:
                    return Outcome(Failed(status="crashed", reason=f"{error}, {_TRIES} times"))
            except Lost:
                self._connection.renew(client)
            except Failing as error:
                # The function itself raises nothing: the node could not even load it, or dies of it.
                if not self._roster.inspect(job.plugin):
                    return Outcome(Failed(status="crashed", reason=str(error)))
            finally:
                self._connection.forget(key)

    def reload(self, job: Job, outcome: Outcome) -> Event:
        """As `Executor.reload`: the node has done it, because another processor may round otherwise."""
        nothing = Failed(status="crashed", reason="the node has not loaded the network again")
        return outcome.reload or nothing

    def stop(self) -> None:
        """Gives up whatever is at work; the nodes end it as soon as they notice."""
        self._connection.give_up()
        self._submissions.stop()

    def close(self) -> None:
        """Leaves the cluster; what still runs for this command is ended by its node."""
        self.stop()
        self._connection.close()

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
            evidence=Evidence.of(job.asked),
        )

    def _keep(self, delivery: Delivery, job: Job) -> Outcome:
        """Writes what came back; Damaged where not all of it did, and then nothing is written."""
        for name, parcel in delivery.files.items():
            if parcel:
                parcel.check(name)
        places = {"state": job.state, "predictions": job.predictions, "log": job.log}
        if asked := job.asked.get("evidence"):
            places["evidence"] = Path(asked)
        for name, path in places.items():
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
