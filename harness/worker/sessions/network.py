"""One trained network as a session: latency, inference and training, its memory, energy and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from time import perf_counter
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from harness.measure.clock import exempt_from_collection, no_collection, timed
from harness.measure.energy import NotMeasurable, find_counter, measure
from harness.measure.memory import available_memory, peak_memory
from harness.plugin import BATCH_SIZE, Params
from harness.protocol import PREDICTED, Measured, Opened, OpenNetwork, TakeEnergy, TakeValidity
from harness.worker import state, validity
from harness.worker.data import TaskData, load
from harness.worker.evaluate import ENCODE_SEED, answer
from harness.worker.hooks import Hooks
from harness.worker.sessions.base import Session
from harness.worker.train import generator, seed_everything

#: The kinds of rounds, each of one series of that name; and the batch of the memory pass.
LATENCY, INFERENCE, TRAIN, MEMORY = "latency", "inference", "train", "memory"

#: The batch of throughput is doubled from here, as long as it fits and a call stays this short.
FIRST_BATCH, _LONGEST_CALL = 250, 0.1
#: The share of the free memory that a batch may take by its forecast.
_MEMORY_SHARE = 0.5
#: How many samples tell which fraction of answers changes by chance.
_CHANCE_SAMPLES = 1000


class NetworkSession(Session):
    """A trained network, and a second copy of it that training steps may change."""

    def __init__(self, request: OpenNetwork, hooks: Hooks, device: torch.device) -> None:
        super().__init__()
        self._trial, self._state, self._hooks = request.trial, request.state, hooks
        row, self._device = request.trial.row, device
        self._data: TaskData = load(
            row.task, request.data, device, request.trial.seed, limit=row.limit
        )
        self._params = Params(**row.params)
        self._train_batch = min(int(row.params[BATCH_SIZE]), len(self._data.train))
        self._inference_batch = min(FIRST_BATCH, len(self._data.test))
        self._draws = generator(ENCODE_SEED, device)
        self._positions = {what: count() for what in (LATENCY, INFERENCE, TRAIN, MEMORY)}
        self._predicted: list[tuple[int, Tensor]] = []
        self._timed: validity.TimedPredictions | None = None
        start = perf_counter()
        self._model = self._built().eval()
        self._first_build_ms = 1000 * (perf_counter() - start)
        self._first_call_ms = self._first_build_ms + 1000 * self._once(LATENCY)
        self._trainee = self._built().train()
        self._random = 0.0
        if request.predictions:
            self._timed = validity.TimedPredictions(self._answers())
            self._random = self._same_as_trained(request.predictions, self._timed.untimed)
        self._inference_batch = self._largest_batch()
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the network stands."""
        return Opened(
            first_call_ms=self._first_call_ms,
            first_build_ms=self._first_build_ms,
            batches={what: self.batch(what) for what in (LATENCY, INFERENCE, TRAIN)},
            facts={"random_answers": self._random} if self._random else {},
        )

    def batch(self, what: str) -> int:
        """The samples of a call; that of the memory pass is as large for every network."""
        return {
            LATENCY: 1,
            INFERENCE: self._inference_batch,
            TRAIN: self._train_batch,
            MEMORY: min(FIRST_BATCH, len(self._data.test)),
        }[what]

    def use_batch(self, what: str, batch: int) -> None:
        """Takes another batch for inference; the others are given."""
        if what == INFERENCE:
            self._inference_batch = batch

    def renew(self) -> None:
        """Builds and loads the network and its trainable copy once more."""
        self._model, self._trainee = self._built().eval(), self._built().train()

    def call(self, what: str) -> Mapping[str, float]:
        """The seconds of one call: inputs to prediction, encoding included, fetching them not."""
        return {what: self._once(what)}

    def start_round(self) -> None:
        """Forgets the predictions of the warm-up."""
        self._predicted.clear()

    def finish_round(self) -> None:
        """Counts the timed predictions that differ from the untimed ones."""
        if self._timed is not None:
            for first, predicted in self._predicted:
                self._timed.add(first, predicted)
        self._predicted.clear()

    def memory(self) -> Measured:
        """Peak memory of one inference batch and one training step, each beside the model alone."""
        self._once(TRAIN)  # an optimizer's moments and a library's workspaces belong to the level
        inference = peak_memory(lambda: self._once(MEMORY), self._device)
        train = peak_memory(lambda: self._once(TRAIN), self._device)
        metrics = dict(inference)
        metrics.update({f"train_{name}": value for name, value in train.items()})
        return Measured(metrics=metrics)

    def energy(self, request: TakeEnergy) -> Measured:
        """Joules a sample of inference batches, where the machine has a counter that can be read."""
        metric = "energy_measured_j"

        def batch() -> int:
            self._once(INFERENCE)
            return self._inference_batch

        try:
            counter = find_counter(self._device)
        except NotMeasurable as error:
            return Measured(metrics={}, absent={metric: str(error)})
        try:
            self.warm_up(INFERENCE)
            reading = measure(batch, counter, request.seconds)
        except NotMeasurable as error:
            return Measured(
                metrics={}, absent={metric: str(error)}, facts={"counter": counter.name}
            )
        return Measured(metrics={metric: reading.joules}, facts=asdict(reading))

    def validity(self, request: TakeValidity) -> Measured:
        """The checks of `harness.worker.validity` on what was timed."""
        if self._timed is not None:
            self._timed.check(lambda: self._chance(self._draws))
        if request.predictions_only:
            return Measured(metrics={})
        inputs = self._data.test.take_inputs(slice(0, FIRST_BATCH))
        with torch.no_grad():
            spikes = self._hooks.encode(self._model, inputs, self._draws)
            delay = self._hooks.evaluate(self._model, spikes, False).delay
            counts = validity.last_step_that_counts(self._scores, spikes, delay)
        decided: dict[str, Any] = {}
        if counts is not None:
            decided = {"last_step_that_counts": counts, "steps": len(spikes)}
        unseen = len(self._data.train) - 1
        self._time_training_sample(unseen)  # warm-up
        with no_collection():
            ratio = validity.nothing_is_remembered(self._time_training_sample, unseen)
        if ratio is None:
            reason = f"{len(self._data.train)} training samples are too few to tell"
            return Measured(metrics={}, absent={"repeated_input_ratio": reason}, facts=decided)
        return Measured(metrics={"repeated_input_ratio": ratio}, facts=decided)

    def _built(self) -> nn.Module:
        seed_everything(self._trial.seed)
        model = self._hooks.build_model(self._data.task, self._params, self._device)
        state.restore(model, self._state)
        return model

    def _same_as_trained(self, predictions: str, ours: Tensor) -> float:
        """The fraction of answers that change by chance; InvalidOutput where the loaded network differs."""
        trained = load_file(predictions)[PREDICTED].long()
        other = validity.differing(ours, trained if trained.ndim == 1 else trained[-1])
        what = "the network, loaded again,"
        return validity.same_answers(other, lambda: self._chance(None), what)

    def _answers(self, draws: torch.Generator | None = None, limit: int | None = None) -> Tensor:
        classes = self._data.task.classes
        found = answer(self._hooks, self._model, self._data.test, classes, limit=limit, draws=draws)
        return found.last

    def _chance(self, draws: torch.Generator | None) -> float:
        """The fraction of answers that differ between two evaluations, of some samples."""
        first, second = (self._answers(draws, _CHANCE_SAMPLES) for _ in range(2))
        return float(validity.differing(first, second).mean())

    def _time_training_sample(self, index: int) -> float:
        """The seconds of one prediction for a sample that no timed call has seen."""
        sample, _ = self._data.train.take(slice(index, index + 1))
        with torch.no_grad():
            return timed(lambda: self._predict(sample), self._device)[0]

    def _largest_batch(self) -> int:
        """The largest batch that is sure to fit and keeps a call short: doubled while it does.

        The memory of the doubled batch is forecast from this one's, never tried out.
        """
        size = self._inference_batch
        kind = "device_memory_bytes" if self._device.type == "cuda" else "peak_memory_bytes"
        while size < len(self._data.test):
            doubled = min(2 * size, len(self._data.test))
            peak = peak_memory(lambda: self._once(INFERENCE), self._device)[kind]
            if peak * doubled / size > _MEMORY_SHARE * available_memory(self._device):
                break
            if self._once(INFERENCE) * doubled / size > _LONGEST_CALL:
                break
            size = self._inference_batch = doubled
        return size

    def _once(self, what: str) -> float:
        """The seconds of one call on the next samples; its predictions are kept beside."""
        train, test = self._data.train, self._data.test
        size = self.batch(what)
        taken = next(self._positions[what]) * size
        if what == TRAIN:
            first = taken % (len(train) - size + 1)
            inputs, targets = train.take(slice(first, first + size))
            return timed(lambda: self._train(inputs, targets), self._device)[0]
        first = taken % (len(test) - size + 1)
        inputs = test.take_inputs(slice(first, first + size))
        with torch.no_grad():
            seconds, predicted = timed(lambda: self._predict(inputs), self._device)
        self._predicted.append((first, predicted))
        return seconds

    def _train(self, inputs: Tensor, targets: Tensor) -> None:
        spikes = self._hooks.encode(self._trainee, inputs, self._draws)
        self._hooks.train_step(self._trainee, spikes, targets)

    def _predict(self, inputs: Tensor) -> Tensor:
        scores = self._scores(self._hooks.encode(self._model, inputs, self._draws))
        return scores[-1].argmax(-1) if scores.ndim == 3 else scores.argmax(-1)

    def _scores(self, spikes: Tensor) -> Tensor:
        return self._hooks.evaluate(self._model, spikes, False).scores
