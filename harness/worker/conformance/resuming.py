"""The check of checkpoints: a training that goes on from one ends as one that nobody disturbed."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from harness.protocol import RunTrial
from harness.subjects import Row, Trial
from harness.worker.checkpoints import Checkpoints
from harness.worker.conformance.outcome import Failing, Skipping
from harness.worker.conformance.probe import SEED, Probe
from harness.worker.data import Split
from harness.worker.train import train

_EPOCHS, _STEPS = 2, 3


def checkpoint(probe: Probe, folder: Path) -> str:
    """Two epochs of a few batches; the second once more, from the checkpoint after the first."""
    if probe.hooks.lacks("harness_training_state"):
        raise Skipping("it has no harness_training_state: a trial that is killed begins anew")
    path = folder / "checkpoint.safetensors"
    whole = _trained(probe, path)
    if not path.exists():
        raise Failing("no checkpoint was written")
    parts = _trained(probe, path)
    exact = probe.device.type == "cpu"
    for name, value in whole.items():
        # On CUDA, atomic additions are in no fixed order.
        tolerance = (0.0, 0.0) if exact else (1e-3, 1e-4)
        if not torch.allclose(value.double(), parts[name].double(), *tolerance, equal_nan=True):
            raise Failing(f"{name!r} differs between a training in one go and one in two parts")
    return "bit for bit" if exact else "but for rounding"


def _trained(probe: Probe, path: Path) -> dict[str, Tensor]:
    """The state after the epochs that the checkpoint at `path` lacks."""
    material = probe.material
    params, whole = material.params, material.data.train
    few = slice(0, _STEPS * material.batch_size)
    split = Split(whole.inputs[few], whole.scale, whole.targets[few])
    task = material.data.task
    row = Row(
        plugin=probe.location.name, framework="", task=task.name, preset="", params=vars(params)
    )
    request = RunTrial(
        plugin=probe.location,
        trial=Trial(row=row, seed=SEED),
        data="",
        state="",
        predictions="",
        checkpoint=str(path),
    )
    checkpoints = Checkpoints(request, probe.hooks, lambda _: None)
    model = checkpoints.begin(probe.build)
    epochs, params.epochs = params.epochs, _EPOCHS
    try:
        train(probe.hooks, model, params, split, SEED, lambda _: None, checkpoints)
    finally:
        params.epochs = epochs
    if reason := checkpoints.facts.get("checkpoint"):
        raise Failing(reason)
    state = model.state_dict()
    return {name: value.clone() for name, value in state.items() if isinstance(value, Tensor)}
