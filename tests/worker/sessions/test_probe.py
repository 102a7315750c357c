"""The known piece of work that `harness doctor` judges a machine by."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.protocol.requests import TakeRound
from harness.worker.sessions.probe import PROBE, ProbeSession


def test_the_probe_is_timed_like_any_subject():
    torch.set_num_threads(1)
    session = ProbeSession(torch.device("cpu"))
    opened = session.opened()
    assert opened.first_call_ms > 0
    assert opened.batches == {PROBE: 32}
    for fresh in (False, True):
        samples = session.take(TakeRound(what=PROBE, seconds=0.0, calls=3, fresh=fresh))
        assert (samples.batch, samples.series.keys()) == (32, {PROBE})
        assert len(samples.series[PROBE]) == 3
        assert min(samples.series[PROBE]) > 0
