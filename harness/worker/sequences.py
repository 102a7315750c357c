"""How well the output spikes of a trained network match the target spike trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harness.measure.activity import ActivityMeter
from harness.measure.spike_trains import spike_times, timing_errors, van_rossum_loss
from harness.plugin import Evaluation
from harness.worker import checks, wiring
from harness.worker.data import TaskData
from harness.worker.evaluate import ENCODE_SEED
from harness.worker.hooks import Hooks
from harness.worker.unrecorded import Unrecorded, unrecorded


@dataclass(frozen=True)
class Fit:
    """Metrics by their names, the activity that was recorded, and the spikes of `raster`.

    `spikes` [T, 1, ...] are the input's; `unrecorded` is what of the network no layer has.
    """

    metrics: dict[str, Any]
    activity: ActivityMeter
    raster: dict[str, list[list[int]]]
    spikes: Tensor
    unrecorded: Unrecorded


@torch.no_grad()
def evaluated(hooks: Hooks, model: nn.Module, data: TaskData) -> tuple[Tensor, Evaluation]:
    """The input spikes [T, 1, ...] of the pattern that the model was trained on, and its evaluation."""
    model.eval()
    draws = torch.Generator(device=data.train.targets.device).manual_seed(ENCODE_SEED)
    inputs, targets = data.train.take(slice(0, 1))
    spikes = checks.encoded(hooks.encode(model, inputs, draws), inputs)
    evaluation = hooks.evaluate(model, spikes, record=True)
    checks.spike_trains(evaluation, tuple(targets.shape))
    return spikes, evaluation


def evaluate_fit(hooks: Hooks, model: nn.Module, data: TaskData) -> Fit:
    """The fit to the pattern that the model was trained on: a trial has only this one."""
    task = data.task
    _, targets = data.train.take(slice(0, 1))
    spikes, evaluation = evaluated(hooks, model, data)
    output = evaluation.scores[:, 0]
    checks.layers(evaluation.layers, 1)
    wiring.connections(evaluation.layers, model)
    wiring.feeding(evaluation, spikes)
    activity = ActivityMeter()
    activity.add(evaluation.layers, 1)
    wanted = targets[:, 0]
    on_time, extra = timing_errors(output, wanted, task.step_ms)
    metrics = {
        "van_rossum_loss": van_rossum_loss(output, wanted, task.step_ms),
        "spikes_on_time": on_time,
        "spikes_extra": extra,
        **activity.metrics(),
    }
    trains = {"input": spikes[:, 0].flatten(1), "target": wanted, "output": output}
    raster = {name: spike_times(train) for name, train in trains.items()}
    return Fit(metrics, activity, raster, spikes, unrecorded(evaluation.layers, model))
