"""The check of checkpoints: a training that goes on from one ends as one that nobody disturbed."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from harness.protocol.requests import RunTrial
from harness.subjects import Row, Trial
from harness.worker.checkpoints import Checkpoints
from harness.worker.conformance.outcome import Failing, Skipping
from harness.worker.conformance.probe import SEED, Probe, compare_states

_EPOCHS, _STEPS = 2, 3


def checkpoint(probe: Probe) -> str:
    """Two epochs of a few batches; the second once more, from the checkpoint after the first."""
    if probe.hooks.lacks("harness_training_state"):
        raise Skipping("it has no harness_training_state: a trial that is killed begins anew")
    path = probe.folder / "checkpoint.safetensors"
    whole = _trained(probe, path)
    if not path.exists():
        raise Failing("no checkpoint was written")
    parts = _trained(probe, path)
    otherwise = "differs between a training in one go and one in two parts"
    return compare_states(whole, parts, probe.device, otherwise)


def _trained(probe: Probe, path: Path) -> dict[str, Tensor]:
    """The state after the epochs that the checkpoint at `path` lacks."""
    row = Row(
        plugin=probe.location.name,
        framework="",
        task=probe.material.data.task.name,
        preset="",
        params=vars(probe.material.params),
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
    state = probe.train_few(checkpoints.begin(probe.build), _STEPS, _EPOCHS, checkpoints)
    if reason := checkpoints.facts.get("checkpoint"):
        raise Failing(reason)
    return state
