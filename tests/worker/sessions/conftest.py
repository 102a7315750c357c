"""A trained network, opened as a session."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def session(hooks, request_for):
    """Trains the softmax plugin with `code` appended, and opens it with `changed` appended too."""
    import torch

    from harness.protocol.requests import OpenNetwork
    from harness.results.predictions import keep, read
    from harness.worker.sessions.network import NetworkSession
    from harness.worker.train import run_trial

    def open_session(code="", changed="", variant="eager", **params):
        request = request_for(**params)
        run_trial(request, hooks(code), lambda _: None)
        keep(path := Path(request.predictions), read(path, 300, 10))  # as the coordinator does
        opening = OpenNetwork(
            plugin=request.plugin,
            trial=request.trial,
            data=request.data,
            state=request.state,
            predictions=request.predictions,
            variant=variant,
        )
        return NetworkSession(opening, hooks(code + changed), torch.device("cpu"))

    return open_session
