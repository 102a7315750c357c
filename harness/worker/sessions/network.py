"""One trained network as a session: latency, inference and training, its memory, energy and checks."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from itertools import count

import torch

from harness.measure.clock import event_seconds, exempt_from_collection, timed
from harness.measure.energy import NotMeasurable, find_counter, measure
from harness.measure.memory import peak_memory
from harness.measure.precision import precision
from harness.plugin import BATCH_SIZE
from harness.protocol.events import Measured, Opened, Samples, Swept
from harness.protocol.requests import OpenNetwork, TakeEnergy, TakeRound, TakeSweep, TakeValidity
from harness.worker.hooks import Hooks
from harness.worker.sessions.base import Session
from harness.worker.sessions.batches import FIRST_BATCH, fits, largest_batch
from harness.worker.sessions.checking import by_chance, same_as_trained, work_was_done
from harness.worker.sessions.sweep import sweep
from harness.worker.sessions.trained import TrainedNetwork
from harness.worker.validity import TimedPredictions

#: The kinds of rounds, each of one series of that name; and the batch of the memory pass.
LATENCY, INFERENCE, TRAIN, MEMORY = "latency", "inference", "train", "memory"
#: Calls from host memory to host memory, on a GPU.
_HOST_CALLS = 30


class NetworkSession(Session):
    """A trained network, and a second copy of it that training steps may change."""

    def __init__(self, request: OpenNetwork, hooks: Hooks, device: torch.device) -> None:
        super().__init__()
        self._network = network = TrainedNetwork(request, hooks, device)
        self._train, self._test = network.data.train, network.data.test
        self._device, self._compiled = device, network.compiled
        self._train_batch = min(int(request.trial.row.params[BATCH_SIZE]), len(self._train))
        self._inference_batch = min(FIRST_BATCH, len(self._test))
        self._positions = {what: count() for what in (LATENCY, INFERENCE, TRAIN, MEMORY)}
        self._timed: TimedPredictions | None = None
        self._in_round = False
        self._first_build_ms = 1000 * network.build_seconds
        once = partial(self._once, LATENCY)
        first = self._compiled.count(1, once) if self._compiled else once()
        self._first_call_ms = self._first_build_ms + 1000 * first
        network.add_trainee()
        self._random = 0.0
        self._rounds_of_training, self._has_trained = 0, False
        if request.predictions:
            self._timed = TimedPredictions(network.answers())
            self._random = same_as_trained(network, request.predictions, self._timed.untimed)
        if self._compiled:  # its batch is the eager one's, which the coordinator knows
            self._compile()
            self._compiled.check()
        else:
            call = partial(self._timed_call, INFERENCE)
            self._inference_batch = largest_batch(
                call, self._inference_batch, len(self._test), device
            )
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
            MEMORY: min(FIRST_BATCH, len(self._test)),
        }[what]

    def use_batch(self, what: str, batch: int) -> None:
        """Takes another batch for inference; the others are given."""
        if what == INFERENCE:
            self._inference_batch = batch
            self._compile()

    def renew(self) -> None:
        """Builds and loads the network and its trainable copy once more."""
        self._network.renew()

    def call(self, what: str) -> Mapping[str, float]:
        """The seconds of one call: inputs to prediction, encoding included, fetching them not."""
        return {what: self._once(what)}

    def take(self, request: TakeRound, at: Callable[[str], None] = lambda _stage: None) -> Samples:
        """One round; notes whether one of training has changed the copy that was trained."""
        samples = super().take(request, at)
        if request.what == TRAIN:
            self._rounds_of_training += 1
            self._has_trained = self._has_trained or self._network.trainee_has_changed()
        return samples

    def start_round(self) -> None:
        """From now on predictions are held against the untimed ones."""
        self._in_round = True

    def finish_round(self) -> None:
        """Predictions are no longer held against the untimed ones."""
        self._in_round = False

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
        sweeps, absent = {}, {}
        largest = {INFERENCE: len(self._test), TRAIN: len(self._train)}
        for what, most in largest.items():
            call = partial(self._timed_call, what)
            room = partial(fits, call, device=self._device)
            try:
                sweeps[what] = sweep(call, most, request.seconds / len(largest), room)
            except Exception as error:  # a plugin may be made for one batch size
                absent[f"{what}_plateau"] = f"{type(error).__name__}: {error}".partition("\n")[0]
        metrics, facts = self._beside_the_host() if self._device.type == "cuda" else ({}, {})
        return Swept(sweeps=sweeps, metrics=metrics, absent=absent, facts=facts)

    def validity(self, request: TakeValidity) -> Measured:
        """The checks of `harness.worker.validity` on what was timed."""
        network = self._network
        if self._timed is not None:
            self._timed.check(lambda: by_chance(network, network.draws))
        if request.predictions_only:
            return Measured(metrics={})
        if self._compiled:
            return Measured(metrics={"compile_seconds": self._compiled.seconds})
        done = work_was_done(network)
        if self._rounds_of_training and not self._has_trained:
            done.facts["idle_training"] = self._rounds_of_training
        return done

    def _compile(self) -> None:
        """Compiles for the batch of inference."""
        size = self._inference_batch
        if self._compiled and size not in self._compiled.sizes:
            self._compiled.count(size, partial(self._once, INFERENCE))

    def _beside_the_host(self) -> tuple[dict[str, float], dict[str, float | str]]:
        """On a GPU: a sample's latency from host memory to host memory, and that by CUDA events."""
        samples = [self._test.take_inputs(slice(n, n + 1)) for n in range(_HOST_CALLS)]
        on_host = [sample.cpu() for sample in samples]
        with torch.no_grad():
            host = [
                timed(lambda: self._network.predict(sample.to(self._device)).cpu(), self._device)[0]  # noqa: B023
                for sample in on_host
            ]
            events = [
                event_seconds(lambda: self._network.predict(sample), self._device)  # noqa: B023
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
        train, test, network = self._train, self._test, self._network
        taken = next(self._positions[what]) * size
        if what == TRAIN:
            first = taken % (len(train) - size + 1)
            with self.aside():
                inputs, targets = train.take(slice(first, first + size))
            return timed(lambda: network.train(inputs, targets), self._device)[0]
        first = taken % (len(test) - size + 1)
        with self.aside():
            inputs = test.take_inputs(slice(first, first + size))
        with torch.no_grad():
            seconds, predicted = timed(lambda: network.predict(inputs), self._device)
        if self._timed is not None and self._in_round:
            # Kept for later, it would lie where the next call finds its memory: that call would take
            # other pages, which costs as much time as its work.
            with self.aside():
                self._timed.add(first, predicted)
        return seconds
