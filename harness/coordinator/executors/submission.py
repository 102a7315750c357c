"""One trial as a task of dask: submitted, waited for until the command ends, and fetched whole."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from concurrent import futures
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.coordinator.executors import node
from harness.coordinator.executors.order import Delivery, Order
from harness.coordinator.executors.roster import Roster
from harness.protocol.events import Progress

if TYPE_CHECKING:
    from distributed import Client

#: What dask raises where the cluster, and not the task, is to blame.
_OF_THE_NETWORK = (OSError, TimeoutError, CancelledError, futures.CancelledError)
#: A network of 1 GB over 100 Mbit/s.
_FETCH_SECONDS = 120.0
#: Results that are fetched at once. Dask calls back in one thread, where a lost node would hold up all.
_FETCHES = 8
#: What dask calls a node that has left its scheduler: nobody can fetch from it any more.
_ENDED = {"closing", "closed", "failed"}
#: Whoever waits looks after the cluster this often.
_LOOK_SECONDS = 10.0


class Stopped(Exception):
    """The command ends."""


class Lost(Exception):
    """The cluster has lost the task."""


class Failing(Exception):
    """The task raised, or every node that ran it died."""


class Submissions:
    """The tasks of one command; `topic` is what their progress is told under."""

    def __init__(self, topic: str, gpu: bool) -> None:
        self._topic = topic
        self._resources = {"GPU": 1} if gpu else None
        self._lock = threading.Lock()
        self._waiting: set[Future[Delivery]] = set()
        self._fetching = ThreadPoolExecutor(_FETCHES, thread_name_prefix="harness-fetch")
        self.stopped = False

    def deliver(
        self,
        client: Client,
        order: Order,
        key: str,
        roster: Roster,
    ) -> Delivery:
        """Submits the task to a node that may take part, and waits for it.

        Stopped where the command ends, Lost where the cluster lost the task, Failing where it raised.
        """
        delivery: Future[Delivery] = Future()
        with self._lock:
            if self.stopped:
                raise Stopped
            self._waiting.add(delivery)
        try:
            nodes = roster.accepted()
            task = client.submit(
                on_node, order, self._topic, key, key=key, pure=False,
                workers=nodes,
                resources=self._resources,
            )  # fmt: skip
            task.add_done_callback(lambda done: self._fetch(delivery, done))
            while not futures.wait([delivery], timeout=_LOOK_SECONDS).done:
                if not roster.look(nodes):
                    client.cancel([task])  # it would wait for ever for nodes that have gone
                    raise Lost
            return delivery.result()
        except (Stopped, Failing, Lost):
            raise
        except (Exception, CancelledError) as error:
            if self.stopped:
                raise Stopped from None
            if isinstance(error, _OF_THE_NETWORK) or client.status != "running":
                raise Lost from None
            raise Failing(f"{type(error).__name__}: {error}".splitlines()[0]) from None
        finally:
            with self._lock:
                self._waiting.discard(delivery)

    def stop(self) -> None:
        """Gives up whatever is at work; the nodes end it as soon as they notice."""
        with self._lock:
            self.stopped = True
            for delivery in self._waiting:
                with suppress(InvalidStateError):  # it came this very moment
                    delivery.set_exception(Stopped())
        self._fetching.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, delivery: Future[Delivery], done: Any) -> None:
        with suppress(RuntimeError):  # the command ends
            self._fetching.submit(_settle, delivery, done)


def _settle(delivery: Future[Delivery], done: Any) -> None:
    """Hands the result of a dask future on, unless the command has given it up."""
    result: Delivery | None = None
    error: BaseException | None = None
    try:
        result = done.result(timeout=_FETCH_SECONDS)
    except BaseException as raised:
        error = raised
        if done.status == "error":
            error = Failing(f"{type(raised).__name__}: {raised}".splitlines()[0])
    with suppress(InvalidStateError):  # stopped meanwhile
        if error is None and result is not None:
            delivery.set_result(result)
        else:
            delivery.set_exception(error or Failing("it returned nothing"))


def on_node(order: Order, topic: str, key: str) -> Delivery:
    """The task: runs on a node, in a thread of its dask worker."""
    from distributed import get_worker

    worker: Any = get_worker()
    name = node.facts()["name"]

    def tell(progress: Progress) -> None:
        placed = progress.model_copy(update={"node": name})
        worker.log_event(topic, {"key": key, "progress": placed.model_dump()})

    def wanted() -> bool:
        if worker.status.name in _ENDED:
            return False
        task = worker.state.tasks.get(key)
        return task is not None and task.state not in ("cancelled", "released", "forgotten")

    return node.carry_out(order, worker.address, tell, wanted)
