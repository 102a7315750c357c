"""A forked worker and a fresh process yield the same, bit for bit."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

from harness.coordinator.processes.pool import Workers
from harness.protocol.events import Trained
from harness.subjects import PluginLocation

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers are not forked"
)

#: Draws from every generator that there is, in training and afterwards.
DRAWS = """
import random
import numpy

_step = harness_train_step

@hookimpl
def harness_train_step(model, spikes, targets):
    scalars = _step(model, spikes, targets)
    return {**scalars, "noise": torch.rand(()) + random.random() + numpy.random.rand()}

@hookimpl
def harness_finish_training(model, batches, generator):
    with torch.no_grad():
        model.bias += torch.rand(model.bias.shape, generator=generator) / 100
    return {"threshold": float(torch.rand(())), "other": random.random()}
"""


@pytest.fixture
def trained(request_for, plugin_file, tmp_path):
    """A trial's answer, and the bytes of its state and of its predictions."""
    path = plugin_file("mine", DRAWS, base="softmax")

    def carry_out(name, fork, threads):
        request = request_for(seed=3, epochs=3, state=name)
        row = request.trial.row.model_copy(update={"threads": threads})
        request = request.model_copy(
            update={
                "plugin": PluginLocation("mine", file=str(path)),
                "trial": request.trial.model_copy(update={"row": row}),
            }
        )
        with Workers(fork=fork) as workers, workers.start(tmp_path / "log", threads, "") as worker:
            event = worker.ask(request, timeout=300)
            if fork:
                assert workers.starter("", threads).problems == []
        assert isinstance(event, Trained), event
        event.metrics.pop("train_seconds")
        written = [f"{name}.safetensors", f"{name}.predictions.safetensors"]
        return event, [(tmp_path / file).read_bytes() for file in written]

    return carry_out


@pytest.mark.parametrize("threads", [1, 2])  # with 2, numpy starts a thread when it is imported
def test_a_forked_trial_equals_that_of_a_fresh_process(trained, threads):
    forked, forked_files = trained("forked", True, threads)
    fresh, fresh_files = trained("fresh", False, threads)
    assert forked == fresh
    assert forked_files == fresh_files
    assert forked.metrics["validation_accuracy"] > 0.5
    assert forked.history[-1].keys() == {"loss", "noise"}
