"""The nodes of a cluster: which may take part, which are left out and why, and whether any is left."""

from __future__ import annotations

import threading
from contextlib import suppress
from time import monotonic
from typing import Any

from harness.catalogue.plugins import Plugin
from harness.coordinator.executors import node
from harness.coordinator.executors.connection import Connection
from harness.coordinator.listener import Listener
from harness.errors import UsageError

#: The list of nodes is long, and asked for again after so many seconds.
_FRESH_SECONDS = 5.0


class Roster:
    """What is known of the nodes; `host` is the digest of the coordinator's own code."""

    def __init__(self, connection: Connection, host: str, listener: Listener) -> None:
        self._connection, self._host, self._listener = connection, host, listener
        self._lock, self._looking = threading.Lock(), threading.Lock()
        self._refused: dict[str, str] = {}
        self._known: dict[str, Any] = {}
        self._accepted: list[str] = []
        self._asked = float("-inf")
        self._missing = ""

    def nodes(self) -> dict[str, Any]:
        """The nodes that are there, by their addresses."""
        with self._looking:
            if monotonic() - self._asked > _FRESH_SECONDS:
                self._known, self._asked = self._connection.nodes(), monotonic()
            return self._known

    def accepted(self) -> list[str] | None:
        """The nodes that may take part; None where no node was refused, and any may."""
        if not self._refused:
            return None
        # Without any, the last that were there: a task of theirs waits, and `look` frees it.
        self._accepted = list(self.nodes().keys() - self._refused.keys()) or self._accepted
        return self._accepted

    def look(self, wanted: list[str] | None = None) -> bool:
        """Says once that no node is left, and once that there is one again.

        False where others than the `wanted` nodes are there and may take part, and none of these.
        """
        if self._looking.locked():
            return True  # another thread looks
        with suppress(Exception):  # a lost scheduler is told by whoever waits for a trial
            fit = self.nodes().keys() - self._refused.keys()
            self.announce(bool(fit), "no node is left at {}")
            return wanted is None or not fit or bool(fit & set(wanted))
        return True

    def announce(self, some: bool, missing: str) -> None:
        """Says what has changed; `missing` is what to say of the address where there is no node."""
        with self._lock:
            before, self._missing = self._missing, "" if some else self._missing or missing
            now = self._missing
        if now and not before:
            self._listener.message(f"{now.format(self._connection.address)}: waiting for one")
        elif before and not now:
            self._listener.message(f"a node has joined {self._connection.address}")

    def inspect(self, plugin: Plugin) -> bool:
        """Asks every node whether it has the same code; True where one more was refused."""
        before = len(self._refused)
        source = b"file" if plugin.location.file else b""
        with suppress(OSError, RuntimeError, TimeoutError):
            reasons = self._connection.client.run(
                node.mismatch, self._host, plugin, source, on_error="return"
            )
            for address, reason in reasons.items():
                if isinstance(reason, Exception):
                    reason = f"it cannot run snn-harness: {reason}"
                if reason:
                    self.refuse(address, reason)
        return len(self._refused) > before

    def refuse(self, address: str, reason: str) -> None:
        """Leaves a node out; UsageError where none is left."""
        with self._lock:
            new = address not in self._refused
            self._refused[address] = f"node {address} is left out: {reason}"
        if new:
            self._listener.message(self._refused[address])
        self.check_some()

    def check_some(self) -> None:
        """UsageError where there are nodes, and all are left out."""
        there = self.nodes().keys()
        if there and not there - self._refused.keys():
            reasons = [text for address, text in self._refused.items() if address in there]
            raise UsageError(f"no node can take part: {reasons[0]}")
