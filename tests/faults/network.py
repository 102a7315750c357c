"""A part of the cluster behind a network of its own, whose cable can be pulled out and put back."""

from __future__ import annotations

import os
import subprocess


class Network:
    """A network namespace and a pair of virtual devices; needs to be root on Linux."""

    HERE, THERE = "10.213.77.1", "10.213.77.2"

    def __init__(self):
        name = f"faults{os.getpid()}"
        self._name, self._device, self._peer = name, f"fa{os.getpid()}", f"fb{os.getpid()}"
        #: What stands before a command that runs on the other side.
        self.inside = ["ip", "netns", "exec", name]

    def __enter__(self):
        _ip("netns", "add", self._name)
        try:
            pair = ("type", "veth", "peer", "name", self._peer)
            _ip("link", "add", self._device, *pair)
            _ip("link", "set", self._peer, "netns", self._name)
            _ip("addr", "add", f"{self.HERE}/30", "dev", self._device)
            _ip("link", "set", self._device, "up")
            for words in (
                ("addr", "add", f"{self.THERE}/30", "dev", self._peer),
                ("link", "set", self._peer, "up"),
                ("link", "set", "lo", "up"),
            ):
                _ip("-n", self._name, *words)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        subprocess.run(["ip", "link", "del", self._device], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self._name], capture_output=True, check=False)

    def cut(self):
        """On this side packets are lost without a word, on the other there is no way any more."""
        _ip("-n", self._name, "link", "set", self._peer, "down")

    def mend(self):
        """As before."""
        _ip("-n", self._name, "link", "set", self._peer, "up")


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)
