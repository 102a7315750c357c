"""`python -m harness.worker`: reads requests from standard input, answers in events.

The pipe that was standard output belongs to the protocol alone; whatever the plugin or a library
prints goes to standard error, which the coordinator has put into the trial's log.
"""

from __future__ import annotations

import os
import queue
import signal
import threading

from harness.protocol.requests import requests
from harness.worker.descendants import be_killed_first, become_subreaper, kill_descendants
from harness.worker.server import Server


def main() -> None:
    """Serves requests until standard input closes, which is also how the coordinator's death shows."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    server = Server(out)
    pending: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a plugin that reads input gets none

    def read() -> None:
        for line in source:
            pending.put(line)
        # The coordinator has exited: kill a hanging hook and everything that it started.
        kill_descendants()
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    become_subreaper()
    be_killed_first()
    threading.Thread(target=read, daemon=True).start()
    # Ctrl-C in the terminal is the coordinator's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        server.serve(requests.validate_json(pending.get()))


if __name__ == "__main__":
    main()
