"""A plugin whose hooks do nothing, so that only the host's work is left to time."""

import torch

from harness.plugin import Evaluation, Parameter, Presets, hookimpl

SCALARS = {"loss": torch.zeros(()), "accuracy": torch.zeros(()), "density": torch.zeros(())}


@hookimpl
def harness_presets():
    return Presets({"epochs": Parameter(1, "epochs"), "batch_size": Parameter(64, "samples")})


@hookimpl
def harness_build_model(task, params, device):
    return torch.nn.Identity()


@hookimpl
def harness_encode(model, inputs, generator):
    return inputs.flatten(1).unsqueeze(0)


@hookimpl
def harness_train_step(model, spikes, targets):
    return SCALARS


@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(spikes[0, :, :10])
