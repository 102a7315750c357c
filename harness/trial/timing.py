"""Measures one trained network, round by round, as the coordinator asks."""

from __future__ import annotations

from itertools import count
from time import perf_counter

import torch
from torch import Tensor

from harness.contract import BATCH_SIZE, Params
from harness.measure.clock import no_collection, timed
from harness.measure.memory import peak_memory
from harness.protocol import Measured, Opened, OpenTiming, Samples, TakeRound
from harness.trial import state
from harness.trial.data import TaskData, load
from harness.trial.evaluate import ENCODE_SEED
from harness.trial.hooks import Hooks
from harness.trial.train import generator, seed_everything

INFERENCE_BATCH = 250
#: Warm-up ends when the median of these many calls is within the tolerance of those before.
_WARM_CALLS, _WARM_TOLERANCE, _WARM_SECONDS = 5, 0.05, 1.0


class TimingSession:
    """A trained network, and a second copy of it that training steps may change."""

    def __init__(self, request: OpenTiming, hooks: Hooks) -> None:
        trial = request.trial
        self._hooks = hooks
        self._device = torch.device(trial.device)
        self._data: TaskData = load(trial.task, request.data, self._device, trial.seed)
        resolved = hooks.presets().resolve(trial.preset, trial.task, trial.overrides)
        params = Params(**resolved)
        self._train_batch = min(int(resolved[BATCH_SIZE]), len(self._data.train))
        self._inference_batch = min(INFERENCE_BATCH, len(self._data.test))
        self._draws = generator(ENCODE_SEED, self._device)

        def built() -> torch.nn.Module:
            seed_everything(trial.seed)
            model = hooks.build_model(self._data.task, params, self._device)
            state.restore(model, request.state)
            return model

        self._model, self._trainee = built().eval(), built().train()
        self._positions = {"latency": count(), "inference": count(), "train": count()}
        self._warm: set[str] = set()
        self._first_call_ms = 1000 * self._once("latency")

    def opened(self) -> Opened:
        """What the coordinator is told when the session stands."""
        return Opened(
            first_call_ms=self._first_call_ms,
            train_batch=self._train_batch,
            inference_batch=self._inference_batch,
        )

    def memory(self) -> Measured:
        """Peak memory of one inference batch and one training step, each beside the model alone."""
        self._once("train")  # an optimiser's moments and a library's workspaces belong to the level
        inference = peak_memory(lambda: self._once("inference"), self._device)
        train = peak_memory(lambda: self._once("train"), self._device)
        metrics = dict(inference)
        metrics.update({f"train_{name}": value for name, value in train.items()})
        return Measured(metrics=metrics)

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
        self.warm_up(request.what)
        seconds: list[float] = []
        with no_collection():
            start = perf_counter()
            while len(seconds) < request.calls or perf_counter() - start < request.seconds:
                seconds.append(self._once(request.what))
        return Samples(what=request.what, batch=self._batch(request.what), seconds=seconds)

    def _batch(self, what: str) -> int:
        return {"latency": 1, "inference": self._inference_batch, "train": self._train_batch}[what]

    def _once(self, what: str) -> float:
        """The seconds of one call: inputs to answer, encoding included, fetching them not."""
        split = self._data.train if what == "train" else self._data.test
        size = self._batch(what)
        first = next(self._positions[what]) * size % (len(split) - size + 1)
        inputs, targets = split.take(slice(first, first + size))
        if what == "train":
            return timed(lambda: self._train(inputs, targets), self._device)[0]
        with torch.no_grad():
            return timed(lambda: self._answer(inputs), self._device)[0]

    def _train(self, inputs: Tensor, targets: Tensor) -> None:
        spikes = self._hooks.encode(self._trainee, inputs, self._draws)
        self._hooks.train_step(self._trainee, spikes, targets)

    def _answer(self, inputs: Tensor) -> Tensor:
        spikes = self._hooks.encode(self._model, inputs, self._draws)
        scores = self._hooks.evaluate(self._model, spikes, False).scores
        return scores[-1].argmax(-1) if scores.ndim == 3 else scores.argmax(-1)
