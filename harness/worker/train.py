"""The stages of a trial: build, train, finish, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from harness.cores import MOST_CORES
from harness.measure.clock import cpu_seconds, synchronise
from harness.measure.memory import footprint
from harness.plugin import BATCH_SIZE, EPOCHS, SPIKE_TRAIN, TRAIN_ON_VALIDATION, Params
from harness.protocol.events import Progress, Trained
from harness.protocol.requests import RunTrial
from harness.worker import checks, settings, state, wiring
from harness.worker.changed import answer_changed
from harness.worker.checkpoints import Checkpoints
from harness.worker.data import Samples, Split, TaskData, load
from harness.worker.devices import on_device
from harness.worker.evaluate import Answers, answer
from harness.worker.facts import examined, neuron_fact, unrecorded_fact
from harness.worker.hooks import Hooks
from harness.worker.round_trip import is_short, try_round_trip
from harness.worker.seeds import generator, seed_everything
from harness.worker.sequences import evaluate_fit

Report = Callable[[Progress], None]

#: Progress is for people; each report also waits for the device, to read its numbers.
_REPORT_SECONDS = 0.25

_ONE_SAMPLE = "the last batch has 1 sample, choose another batch_size"

#: How many cores a shorter training used says nothing.
_CORES_SECONDS = 0.5

#: The scalars of this many steps are added up in one operation instead of one by one.
_FOLD_STEPS = 64


@dataclass
class ScalarMeans:
    """Running means of the scalars that `hook` returns, kept on the device until they are read."""

    hook: str = "harness_train_step"
    _pending: dict[str, list[Tensor | float]] = field(default_factory=dict)
    _sums: dict[str, Tensor | float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, scalars: Any) -> None:
        """Adds one step's scalars."""
        if not self._pending:
            checks.scalars(scalars, self.hook)
        for name, value in scalars.items():
            values = self._pending.setdefault(name, [])
            # A copy: a plugin may return the same tensor at every step and write to it in between.
            values.append(value.detach().clone() if isinstance(value, Tensor) else value)
            if len(values) == _FOLD_STEPS:
                self._fold(name)

    def read(self) -> dict[str, float]:
        """The means so far; InvalidOutput where one is not finite (one NaN is enough).

        Reading changes nothing: the sums do not depend on how often and when they are read.
        """
        means = {}
        for name, values in self._pending.items():
            total = self._sums.get(name, 0.0) + (_total(values) if values else 0.0)
            means[name] = float(total) / (self._counts.get(name, 0) + len(values))
        checks.finite_scalars(means, self.hook)
        return means

    def _fold(self, name: str) -> None:
        values = self._pending[name]
        self._sums[name] = self._sums.get(name, 0.0) + _total(values)
        self._counts[name] = self._counts.get(name, 0) + len(values)
        values.clear()


def _total(values: Sequence[Tensor | float]) -> Tensor:
    """The sum of scalars; a step may give a float and another a tensor: all go to one device."""
    device = next((v.device for v in values if isinstance(v, Tensor)), None)
    tensors = [torch.as_tensor(v, dtype=torch.float32, device=device) for v in values]
    return torch.stack(tensors).sum()


def run_trial(request: RunTrial, hooks: Hooks, report: Report) -> Trained:
    """Carries out one trial; saves the trained state and the predictions where `request` says."""
    trial, row = request.trial, request.trial.row
    device = on_device(row.device, row.threads)
    params = Params(**row.params)
    also_validation = bool(row.params.get(TRAIN_ON_VALIDATION, False))
    data = load(
        row.task,
        request.data,
        device,
        trial.seed,
        also_validation=also_validation,
        limit=row.limit,
    )

    def build(seed: int = trial.seed) -> nn.Module:
        seed_everything(seed)
        return hooks.build_model(data.task, params, device)

    report(Progress(stage="build"))
    if not is_short(params, len(data.train)):
        try_round_trip(hooks, build, trial.seed, params, data.train, report)
    checkpoints = Checkpoints(request, hooks, report)
    model = checkpoints.begin(build)
    state.check(model)  # a training that cannot be kept is not begun

    clock, busy = perf_counter(), cpu_seconds()
    history = train(hooks, model, params, data.train, trial.seed, report, checkpoints)
    busy, clock = cpu_seconds() - busy, perf_counter() - clock
    report(Progress(stage="finish"))
    finished = finish(hooks, model, data.train, getattr(params, BATCH_SIZE), trial.seed)
    settings.check()
    synchronise(device)
    metrics: dict[str, Any] = {"train_seconds": checkpoints.trained_seconds()}

    facts: dict[str, Any] = dict(checkpoints.facts)
    if device.type == "cpu" and clock > _CORES_SECONDS and busy > MOST_CORES * row.threads * clock:
        facts["train_cores"] = busy / clock
    raster: dict[str, list[list[int]]] = {}
    test: Answers | None = None
    if data.task.kind == SPIKE_TRAIN:
        report(Progress(stage="evaluate"))
        fit = evaluate_fit(hooks, model, data)
        activity, raster = fit.activity, fit.raster
        metrics.update(fit.metrics)
        facts |= unrecorded_fact(hooks, model, build, fit.spikes, fit.unrecorded)
    else:
        test, accuracies = _answer(hooks, model, data, report)
        activity = test.activity
        metrics.update(activity.metrics() | accuracies)
        test.save(request.predictions)
        facts |= examined(hooks, model, build, data, test.beginning)
        if (first := test.beginning) is not None:
            facts |= unrecorded_fact(hooks, model, build, first.spikes, first.unrecorded)
        facts["tied_scores"] = test.tied / len(data.test)
    metrics.update(footprint(model))
    report(Progress(stage="save"))
    state.save(model, request.state)
    unchanged: dict[str, str] = {}
    if test is not None and request.evidence:
        # Last: whatever a change does to the network, what is kept of it was made before.
        changed, unchanged = answer_changed(request, hooks, model, data, report)
        test.save_evidence(request.evidence, changed)
    return Trained(
        versions=versions(),
        metrics=metrics,
        scalars=finished,
        absent=activity.absent(),
        unchanged=unchanged,
        layers=activity.layers(),
        history=history,
        raster=raster,
        beginning=test.beginning.scores_to_send() if test and test.beginning else [],
        facts=facts | {"silent_layers": activity.silent()} | neuron_fact(hooks, model, params),
    )


def train(
    hooks: Hooks,
    model: nn.Module,
    params: Params,
    split: Split,
    seed: int,
    report: Report,
    checkpoints: Checkpoints | None = None,
) -> list[dict[str, float]]:
    """Every epoch, every batch: encode, then train-step. Returns each epoch's mean scalars.

    With `checkpoints`, whose model this is, it goes on from the last and writes others.
    """
    epochs, size = getattr(params, EPOCHS), getattr(params, BATCH_SIZE)
    device = split.targets.device
    order_source = torch.Generator().manual_seed(seed)  # on the CPU: the same order on every device
    draws = generator(seed, device)
    steps = -(-len(split) // size)
    history: list[dict[str, float]] = []
    model.train()
    # Reported before the first step: if that hangs or crashes, the failure belongs to training.
    report(Progress(stage="train", total=epochs * steps))
    next_report = 0.0
    if checkpoints is not None:
        history = checkpoints.resume(order=order_source, draws=draws)
    for epoch in range(len(history), epochs):
        order = torch.randperm(len(split), generator=order_source).to(device)
        means = ScalarMeans(hooks.training)
        for step in range(steps):
            inputs, targets = split.take(order[step * size : (step + 1) * size])
            spikes = hooks.encode(model, inputs, draws)
            if step == 0:
                checks.encoded(spikes, inputs)
            try:
                means.add(hooks.train_step(model, spikes, targets))
            except Exception as error:
                if len(inputs) == 1 < size:
                    error.add_note(_ONE_SAMPLE)
                raise
            if monotonic() >= next_report:
                report(
                    Progress(
                        stage="train",
                        done=epoch * steps + step + 1,
                        total=epochs * steps,
                        epoch=epoch + 1,
                        epochs=epochs,
                        scalars=means.read(),
                    )
                )
                next_report = monotonic() + _REPORT_SECONDS
        history.append(means.read())
        if checkpoints is not None and epoch + 1 < epochs:
            checkpoints.offer(history, order=order_source, draws=draws)
    return history


@torch.no_grad()
def finish(hooks: Hooks, model: nn.Module, split: Split, size: int, seed: int) -> dict[str, float]:
    """Ends the training of `model`, which is in evaluation from now on; the plugin's own numbers."""
    draws = generator(seed, split.targets.device)
    scalars = hooks.finish_training(model.eval(), split.batches(size), draws)
    return checks.numbers(scalars, "harness_finish_training")


def _answer(
    hooks: Hooks, model: nn.Module, data: TaskData, report: Report
) -> tuple[Answers, dict[str, float]]:
    """The answers to the test samples, and the accuracies on the splits whose classes are known here."""
    classes = data.task.classes

    def of(name: str, split: Samples, **options: Any) -> Answers:
        def report_progress(done: int, total: int) -> None:
            report(Progress(stage=f"evaluate {name}", done=done, total=total))

        return answer(hooks, model, split, classes, report_progress, **options)

    test = of("test", data.test, record=True)
    validation = of("validation", data.validation)
    right = int((validation.last == data.validation.targets.cpu()).sum())
    wiring.operations(test.activity.metrics(), right, data.validation.targets)
    # As many training samples as test samples: enough to show overfitting, as cheap as a test.
    return test, {
        "validation_accuracy": validation.accuracy(data.validation),
        "train_accuracy": of("train", data.train, limit=len(data.test)).accuracy(data.train),
    }


def versions() -> dict[str, str]:
    """The versions of torch and CUDA that this worker runs on."""
    by_library = {"torch": str(torch.__version__)}
    if torch.version.cuda:
        by_library["cuda"] = torch.version.cuda
    return by_library
