"""The checks of `harness.worker.validity` on one trained network that is timed."""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.arrays import PREDICTED
from harness.measure.clock import no_collection, timed
from harness.protocol.events import Measured
from harness.worker import validity
from harness.worker.sessions.batches import FIRST_BATCH
from harness.worker.sessions.trained import TrainedNetwork


def same_as_trained(network: TrainedNetwork, predictions: str, ours: Tensor) -> float:
    """The fraction of answers that change by chance; InvalidOutput where the loaded network differs."""
    trained = load_file(predictions)[PREDICTED].long()
    other = validity.differing(ours, trained if trained.ndim == 1 else trained[-1])
    return validity.same_answers(
        other, lambda: by_chance(network, None), "the network, loaded again,"
    )


def by_chance(network: TrainedNetwork, draws: torch.Generator | None) -> Tensor:
    """1 for each sample [N] whose answers differ between two evaluations, else 0.

    Of every sample, since a chance has to be that of those judged: mnist's first thousand are easier than
    the rest.
    """
    return validity.differing(*(network.answers(draws) for _ in range(2)))


def work_was_done(network: TrainedNetwork) -> Measured:
    """The input decides, and no input is faster for having been seen; InvalidOutput where it is not so.

    The ratios of times, and the fact `last_step_that_counts` of a network that decides early.
    """
    data = network.data
    with torch.no_grad():
        spikes = network.encode(data.test.take_inputs(slice(0, FIRST_BATCH)))
        delay = network.hooks.evaluate(network.model, spikes, False).delay
        counts = validity.last_step_that_counts(network.scores, spikes, delay)
    decided: dict[str, Any] = {}
    if counts is not None:
        decided = {"last_step_that_counts": counts, "steps": len(spikes)}
    unseen = len(data.train) - 1

    def training_sample(index: int) -> float:
        return _time_training_sample(network, index)

    training_sample(unseen)  # warm-up
    with no_collection():
        ratios = {
            "repeated_input_ratio": validity.nothing_is_remembered(training_sample, unseen),
            "seen_input_ratio": validity.nothing_was_prepared(
                lambda index, altered: _time_test_sample(network, index, altered), len(data.test)
            ),
        }
    metrics = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    absent = dict.fromkeys(ratios.keys() - metrics.keys(), "too few samples to tell")
    return Measured(metrics=metrics, absent=absent, facts=decided)


@torch.no_grad()
def _time_training_sample(network: TrainedNetwork, index: int) -> float:
    """The seconds of one prediction for a sample that no timed call has seen."""
    sample, _ = network.data.train.take(slice(index, index + 1))
    return timed(lambda: network.predict(sample), network.device)[0]


@torch.no_grad()
def _time_test_sample(network: TrainedNetwork, index: int, altered: bool) -> float | None:
    """The seconds of one prediction for a test sample, or for one like it that nobody has seen.

    None where the sample has no two values that differ.
    """
    seen = network.data.test.take_inputs(slice(index, index + 1))
    # Made for either call: what goes before a call changes its time.
    new = validity.altered(seen)
    if new is None:
        return None
    sample = new if altered else seen
    return timed(lambda: network.predict(sample), network.device)[0]
