"""The connection to a scheduler: made, lost, and made again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from harness.coordinator.listener import Listener
from harness.errors import UsageError
from harness.protocol.events import Progress

if TYPE_CHECKING:
    from distributed import Client

#: How long a lost scheduler may take to come back before the command ends.
SCHEDULER_SECONDS = 120.0


class Connection:
    """The client of one command at the scheduler of `address`, where it is known by `name`.

    `resume` is the command that carries the run on. UsageError where no scheduler answers.
    """

    def __init__(self, address: str, name: str, listener: Listener, resume: str) -> None:
        self.address, self._name = address, name
        self._listener, self._resume = listener, resume
        self._lock, self._reconnecting = threading.Lock(), threading.Lock()
        self._progress: dict[str, Callable[[Progress], None]] = {}
        self._closed = False
        self.client = self._connected(monotonic() + 10.0)

    def nodes(self) -> dict[str, Any]:
        """The nodes that the scheduler knows, by their addresses."""
        return dict(self.client.scheduler_info(n_workers=-1)["workers"])

    def hear(self, key: str, progress: Callable[[Progress], None]) -> None:
        """`progress` is told where the task of that key stands."""
        with self._lock:
            self._progress[key] = progress

    def forget(self, key: str) -> None:
        """The task of that key is over."""
        with self._lock:
            self._progress.pop(key, None)

    def renew(self, lost: Client) -> None:
        """Another client, where `lost` is still the one in use; UsageError where none can be had."""
        with self._reconnecting:
            if self.client is not lost or lost.status == "running":
                sleep(0.1)  # the task alone was lost
                return
            self._listener.message(f"lost the scheduler at {self.address}: waiting for it")
            with suppress(Exception):
                lost.close(timeout=1)
            until = monotonic() + SCHEDULER_SECONDS
            while not self._closed:
                try:
                    self.client = self._connected(monotonic() + 5.0)
                    break
                except UsageError:
                    if monotonic() > until:
                        raise
                    sleep(1.0)
            else:
                return
            self._listener.message(f"found the scheduler at {self.address} again")

    def give_up(self) -> None:
        """Waits for no scheduler any more."""
        self._closed = True

    def close(self) -> None:
        """Leaves the cluster."""
        self.give_up()
        with suppress(Exception):
            self.client.close(timeout=5)

    def _connected(self, until: float) -> Client:
        from distributed import Client

        try:
            client = Client(self.address, timeout=max(1.0, until - monotonic()), name=self._name)
        except (OSError, ValueError, TimeoutError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(
                f"no scheduler answers at {self.address} ({reason}): start it with: dask scheduler; "
                f"then {self._resume}"
            ) from None
        client.subscribe_topic(self._name, self._heard)
        return client

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        with self._lock:
            progress = self._progress.get(event[1]["key"])
        if progress:
            progress(Progress(**event[1]["progress"]))
