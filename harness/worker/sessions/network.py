"""Measures one trained network, round by round, as the coordinator asks."""

from __future__ import annotations

from dataclasses import asdict
from itertools import count
from time import perf_counter

import torch
from torch import Tensor, nn

from harness.plugin import BATCH_SIZE, CLASSIFICATION, Params
from harness.measure.clock import exempt_from_collection, no_collection, timed
from harness.measure.energy import NotMeasurable, find_counter, measure
from harness.measure.memory import available_memory, peak_memory, return_free_memory
from harness.protocol import (
    Measured,
    Opened,
    OpenTiming,
    Samples,
    TakeEnergy,
    TakeRound,
    TakeValidity,
)
from harness.worker import state, validity
from harness.worker.data import TaskData, load
from harness.worker.evaluate import ENCODE_SEED, answers
from harness.worker.hooks import Hooks
from harness.worker.train import generator, seed_everything

#: The batch of throughput is doubled from here, as long as it fits and a call stays this short.
FIRST_BATCH, _LONGEST_CALL = 250, 0.25
#: The share of the free memory that a batch may take by its forecast.
_MEMORY_SHARE = 0.5
#: Warm-up ends when the median of these many calls is within the tolerance of those before.
_WARM_CALLS, _WARM_TOLERANCE, _WARM_SECONDS = 5, 0.05, 1.0


class TimingSession:
    """A trained network, and a second copy of it that training steps may change.

    Both are built and loaded anew in every round: where arrays come to lie in memory changes a
    network's speed by several percent, for as long as they lie there. So the place is drawn
    anew too, and becomes part of the noise between rounds instead of a false difference.
    """

    def __init__(self, request: OpenTiming, hooks: Hooks) -> None:
        self._trial, self._state, self._hooks = request.trial, request.state, hooks
        trial = request.trial
        self._device = torch.device(trial.device)
        self._data: TaskData = load(trial.task, request.data, self._device, trial.seed)
        resolved = hooks.presets().resolve(trial.preset, trial.task, trial.overrides)
        self._params = Params(**resolved)
        self._train_batch = min(int(resolved[BATCH_SIZE]), len(self._data.train))
        self._inference_batch = min(FIRST_BATCH, len(self._data.test))
        self._draws = generator(ENCODE_SEED, self._device)
        self._positions = {
            "latency": count(),
            "inference": count(),
            "train": count(),
            "memory": count(),
        }
        self._warm: set[str] = set()
        self._renew()
        self._first_call_ms = 1000 * self._once("latency")
        self._answers: validity.TimedAnswers | None = None
        if self._data.task.kind == CLASSIFICATION:
            right = answers(hooks, self._model, self._data.test) == self._data.test.targets
            if request.accuracy is not None:
                ours, samples = float(right.float().mean()), len(right)
                what = "the network, loaded again,"
                validity.same_accuracy(ours, request.accuracy, samples, random=False, what=what)
            self._answers = validity.TimedAnswers(right)
        self._inference_batch = self._largest_batch()
        exempt_from_collection()

    def opened(self) -> Opened:
        """What the coordinator is told when the session stands."""
        return Opened(
            first_call_ms=self._first_call_ms,
            train_batch=self._train_batch,
            inference_batch=self._inference_batch,
        )

    def memory(self) -> Measured:
        """Peak memory of one inference batch and one training step, each beside the model alone.

        The inference batch is as large for every row, unlike that of the throughput.
        """
        self._once("train")  # an optimizer's moments and a library's workspaces belong to the level
        inference = peak_memory(lambda: self._once("memory"), self._device)
        train = peak_memory(lambda: self._once("train"), self._device)
        metrics = dict(inference)
        metrics.update({f"train_{name}": value for name, value in train.items()})
        return Measured(metrics=metrics)

    def energy(self, request: TakeEnergy) -> Measured:
        """Joules a sample of inference batches, where the machine has a counter that can be read."""
        metric = "energy_measured_j"

        def batch() -> int:
            self._once("inference")
            return self._batch("inference")

        try:
            counter = find_counter(self._device)
            self.warm_up("inference")
            reading = measure(batch, counter, request.seconds)
        except NotMeasurable as error:
            return Measured(metrics={}, absent={metric: str(error)})
        return Measured(metrics={metric: reading.joules}, facts=asdict(reading))

    def warm_up(self, what: str) -> None:
        """Calls until the time of a call no longer changes, for a second at the most.

        In later rounds two calls do: only what other processes pushed out has to come back.
        """
        if what in self._warm:
            self._once(what)
            self._once(what)
            return
        self._warm.add(what)
        start = perf_counter()
        before = float("inf")
        while perf_counter() - start < _WARM_SECONDS:
            times = sorted(self._once(what) for _ in range(_WARM_CALLS))
            median = times[_WARM_CALLS // 2]
            if abs(median - before) <= _WARM_TOLERANCE * before:
                return
            before = median

    def take(self, request: TakeRound) -> Samples:
        """One round: calls for `request.seconds`, at least `request.calls`, after a warm-up."""
        if request.fresh:
            self._renew()
        if request.what == "inference" and request.batch:
            self._inference_batch = request.batch
        self.warm_up(request.what)
        seconds: list[float] = []
        given: list[tuple[int, Tensor]] = []
        with no_collection():
            start = perf_counter()
            while len(seconds) < request.calls or perf_counter() - start < request.seconds:
                seconds.append(self._once(request.what, given))
        if self._answers is not None:
            for first, answer in given:
                targets = self._data.test.targets[first : first + len(answer)]
                self._answers.add(first, answer, targets)
        return Samples(what=request.what, batch=self._batch(request.what), seconds=seconds)

    def validity(self, request: TakeValidity) -> Measured:
        """The checks of `harness.worker.validity` on what was timed."""
        split, size = self._data.test, min(FIRST_BATCH, len(self._data.test))
        inputs, _ = split.take(slice(0, size))
        with torch.no_grad():
            spikes = self._hooks.encode(self._model, inputs, self._draws)
            again = self._hooks.encode(self._model, inputs, self._draws)
            if self._answers is not None:
                self._answers.check(random=not torch.equal(spikes, again))
            if request.answers_only:
                return Measured(metrics={})
            delay = self._hooks.evaluate(self._model, spikes, False).delay
            validity.every_step_counts(self._scores, spikes, delay)
        # Samples of the training split: no call has seen them yet.
        fresh = self._data.train

        def call(index: int) -> float:
            sample, _ = fresh.take(slice(index, index + 1))
            with torch.no_grad():
                return timed(lambda: self._answer(sample), self._device)[0]

        call(len(fresh) - 1)
        with no_collection():
            ratio = validity.nothing_is_remembered(call, len(fresh) - 1)
        if ratio is None:
            reason = f"{len(fresh)} training samples are too few to tell"
            return Measured(metrics={}, absent={"repeated_input_ratio": reason})
        return Measured(metrics={"repeated_input_ratio": ratio})

    def _renew(self) -> None:
        """Builds and loads the network and its trainable copy once more, at another place."""

        def built() -> nn.Module:
            seed_everything(self._trial.seed)
            model = self._hooks.build_model(self._data.task, self._params, self._device)
            state.restore(model, self._state)
            return model

        return_free_memory()
        self._model, self._trainee = built().eval(), built().train()

    def _largest_batch(self) -> int:
        """The largest batch that is sure to fit and keeps a call short: doubled while it does.

        The memory of the doubled batch is forecast from this one's, never tried out.
        """
        size = self._inference_batch
        kind = "device_memory_bytes" if self._device.type == "cuda" else "peak_memory_bytes"
        while size < len(self._data.test):
            doubled = min(2 * size, len(self._data.test))
            peak = peak_memory(lambda: self._once("inference"), self._device)[kind]
            if peak * doubled / size > _MEMORY_SHARE * available_memory(self._device):
                break
            if self._once("inference") * doubled / size > _LONGEST_CALL:
                break
            size = self._inference_batch = doubled
        return size

    def _batch(self, what: str) -> int:
        return {
            "latency": 1,
            "inference": self._inference_batch,
            "train": self._train_batch,
            "memory": min(FIRST_BATCH, len(self._data.test)),
        }[what]

    def _once(self, what: str, given: list[tuple[int, Tensor]] | None = None) -> float:
        """The seconds of one call: inputs to answer, encoding included, fetching them not.

        Answers are put into `given`, with the index of their first sample.
        """
        split = self._data.train if what == "train" else self._data.test
        size = self._batch(what)
        first = next(self._positions[what]) * size % (len(split) - size + 1)
        inputs, targets = split.take(slice(first, first + size))
        if what == "train":
            return timed(lambda: self._train(inputs, targets), self._device)[0]
        with torch.no_grad():
            seconds, answer = timed(lambda: self._answer(inputs), self._device)
        if given is not None:
            given.append((first, answer))
        return seconds

    def _train(self, inputs: Tensor, targets: Tensor) -> None:
        spikes = self._hooks.encode(self._trainee, inputs, self._draws)
        self._hooks.train_step(self._trainee, spikes, targets)

    def _answer(self, inputs: Tensor) -> Tensor:
        scores = self._scores(self._hooks.encode(self._model, inputs, self._draws))
        return scores[-1].argmax(-1) if scores.ndim == 3 else scores.argmax(-1)

    def _scores(self, spikes: Tensor) -> Tensor:
        return self._hooks.evaluate(self._model, spikes, False).scores
