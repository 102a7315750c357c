"""One trained network as a session: latency, inference and training, its memory, energy and checks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from time import perf_counter
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from harness.measure.clock import event_seconds, exempt_from_collection, no_collection, timed
from harness.measure.energy import NotMeasurable, find_counter, measure
from harness.measure.memory import available_memory, peak_memory
from harness.measure.precision import precision
from harness.plugin import BATCH_SIZE, Params
from harness.protocol import (
    PREDICTED,
    Measured,
    Opened,
    OpenNetwork,
    Swept,
    TakeEnergy,
    TakeSweep,
    TakeValidity,
)
from harness.worker import state, validity
from harness.worker.data import TaskData, load
from harness.worker.evaluate import ENCODE_SEED, answer
from harness.worker.hooks import Hooks
from harness.worker.sessions.base import Session
from harness.worker.sessions.sweep import sweep
from harness.worker.sessions.variants import Compiled, reallocate
from harness.worker.train import generator, seed_everything

#: The kinds of rounds, each of one series of that name; and the batch of the memory pass.
LATENCY, INFERENCE, TRAIN, MEMORY = "latency", "inference", "train", "memory"

#: The batch of throughput is doubled from here, as long as it fits and a call stays this short.
FIRST_BATCH, _LONGEST_CALL = 250, 0.1
#: The share of the free memory that a batch may take by its forecast.
_MEMORY_SHARE = 0.5
#: A batch of a sweep that is tried without a forecast of its memory.
_SURE_TO_FIT = 32
#: Calls from host memory to host memory, on a GPU.
_HOST_CALLS = 30
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
        self._compiled: Compiled | None = None
        if request.variant != "eager":
            self._compiled = Compiled(self._eager_scores, request.variant, device)
        self._first_build_ms = 1000 * (perf_counter() - start)
        first = self._once(LATENCY)
        self._first_call_ms = self._first_build_ms + 1000 * first
        if self._compiled:
            self._compiled.count(1, first, self._once(LATENCY))
        self._trainee = self._built().train()
        self._random = 0.0
        if request.predictions:
            self._timed = validity.TimedPredictions(self._answers())
            self._random = self._same_as_trained(request.predictions, self._timed.untimed)
        if self._compiled:  # its batch is the eager one's, which the coordinator knows
            self._compile()
            self._compiled.check()
        else:
            self._inference_batch = self._largest_batch()
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the network stands."""
        return Opened(
            first_call_ms=self._first_call_ms,
            first_build_ms=self._first_build_ms,
            batches={what: self.batch(what) for what in (LATENCY, INFERENCE, TRAIN)},
            facts={
                **({"random_answers": self._random} if self._random else {}),
                "precision": precision(),
            },
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
            self._compile()

    def renew(self) -> None:
        """Builds and loads the network and its trainable copy once more."""
        if self._compiled:  # another module would be compiled once more
            reallocate(self._model)
        else:
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

    def sweep(self, request: TakeSweep) -> Swept:
        """The rate by batch size of inference and of training, half the time for each.

        Training goes on from wherever it stands: the sweep comes last. A network that cannot be called
        with other batches has none, and the reason says why.
        """
        found, absent = {}, {}
        largest = {INFERENCE: len(self._data.test), TRAIN: len(self._data.train)}
        for what, most in largest.items():
            try:
                found[what] = sweep(
                    lambda size: self._timed_call(what, size),  # noqa: B023
                    most,
                    request.seconds / len(largest),
                    lambda size: self._fits(what, size),  # noqa: B023
                )
            except Exception as error:  # a plugin may be made for one batch size
                absent[f"{what}_plateau"] = f"{type(error).__name__}: {error}".partition("\n")[0]
        self._predicted.clear()
        metrics, facts = self._beside_the_host() if self._device.type == "cuda" else ({}, {})
        return Swept(sweeps=found, metrics=metrics, absent=absent, facts=facts)

    def validity(self, request: TakeValidity) -> Measured:
        """The checks of `harness.worker.validity` on what was timed."""
        if self._timed is not None:
            self._timed.check(lambda: self._chance(self._draws))
        compiled = {"compile_seconds": self._compiled.seconds} if self._compiled else {}
        if request.predictions_only or self._compiled:
            return Measured(metrics={} if request.predictions_only else compiled)
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
            ratios = {
                "repeated_input_ratio": validity.nothing_is_remembered(
                    self._time_training_sample, unseen
                ),
                "seen_input_ratio": validity.nothing_was_prepared(
                    self._time_test_sample, len(self._data.test)
                ),
            }
        metrics = {name: ratio for name, ratio in ratios.items() if ratio is not None}
        absent = dict.fromkeys(ratios.keys() - metrics.keys(), "too few samples to tell")
        return Measured(metrics=metrics, absent=absent, facts=decided)

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

    def _time_test_sample(self, index: int, altered: bool) -> float | None:
        """The seconds of one prediction for a test sample, or for one like it that nobody has seen.

        None where the sample has no two values that differ.
        """
        seen = self._data.test.take_inputs(slice(index, index + 1))
        new = validity.altered(
            seen
        )  # made for either call: what goes before a call changes its time
        if new is None:
            return None
        sample = new if altered else seen
        with torch.no_grad():
            return timed(lambda: self._predict(sample), self._device)[0]

    def _compile(self) -> None:
        """Compiles for the batch of inference."""
        size = self._inference_batch
        if self._compiled and size not in self._compiled.sizes:
            self._compiled.count(size, self._once(INFERENCE), self._once(INFERENCE))

    def _largest_batch(self) -> int:
        """The largest batch that is sure to fit and keeps a call short: doubled while it does.

        Halved, where not even the first fits. The memory of the doubled batch is forecast from this
        one's, never tried out.
        """
        size = self._inference_batch
        while (peak := self._peak(INFERENCE, size)) is None and size > 1:
            size //= 2
        while peak is not None and size < len(self._data.test):
            doubled = min(2 * size, len(self._data.test))
            if peak * doubled / size > _MEMORY_SHARE * available_memory(self._device):
                break
            if self._timed_call(INFERENCE, size) * doubled / size > _LONGEST_CALL:
                break
            size = doubled
            peak = self._peak(INFERENCE, size)
        return size

    def _peak(self, what: str, size: int) -> float | None:
        """The peak memory of a call on `size` samples, in bytes; None where it does not fit the GPU."""
        kind = "device_memory_bytes" if self._device.type == "cuda" else "peak_memory_bytes"
        try:
            return peak_memory(lambda: self._timed_call(what, size), self._device)[kind]
        except torch.OutOfMemoryError:
            return None

    def _fits(self, what: str, size: int) -> bool:
        """Whether a batch of the sweep is sure to fit, by the memory of one half as large."""
        if size <= _SURE_TO_FIT:
            return True
        peak = self._peak(what, size // 2)
        return peak is not None and 2 * peak <= _MEMORY_SHARE * available_memory(self._device)

    def _beside_the_host(self) -> tuple[dict[str, float], dict[str, float | str]]:
        """On a GPU: a sample's latency from host memory to host memory, and that by CUDA events."""
        samples = [self._data.test.take_inputs(slice(n, n + 1)) for n in range(_HOST_CALLS)]
        on_host = [sample.cpu() for sample in samples]
        with torch.no_grad():
            host = [
                timed(lambda: self._predict(sample.to(self._device)).cpu(), self._device)[0]  # noqa: B023
                for sample in on_host
            ]
            events = [
                event_seconds(lambda: self._predict(sample), self._device)  # noqa: B023
                for sample in samples
            ]
        return (
            {"latency_host_ms": 1000 * statistics.median(host)},
            {"latency_events_ms": 1000 * statistics.median(events)},
        )

    def _once(self, what: str) -> float:
        """The seconds of one call on the next samples; its predictions are kept beside."""
        return self._timed_call(what, self.batch(what))

    def _timed_call(self, what: str, size: int) -> float:
        """The seconds of one call on the next `size` samples."""
        train, test = self._data.train, self._data.test
        taken = next(self._positions[what]) * size
        if what == TRAIN:
            first = taken % (len(train) - size + 1)
            with self.aside():
                inputs, targets = train.take(slice(first, first + size))
            return timed(lambda: self._train(inputs, targets), self._device)[0]
        first = taken % (len(test) - size + 1)
        with self.aside():
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
        return self._compiled(spikes) if self._compiled else self._eager_scores(spikes)

    def _eager_scores(self, spikes: Tensor) -> Tensor:
        return self._hooks.evaluate(self._model, spikes, False).scores
