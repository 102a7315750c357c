"""A small network whose trials take about a second, and end equal wherever they run."""

import time

import torch

from harness.plugin import Evaluation, Parameter, Presets, hookimpl


@hookimpl
def harness_presets():
    return Presets({"epochs": Parameter(1, "epochs"), "batch_size": Parameter(20, "samples")})


@hookimpl
def harness_build_model(task, params, device):
    model = torch.nn.Linear(64, 10)
    model.optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model


@hookimpl
def harness_encode(model, inputs, generator):
    return inputs.flatten(1).unsqueeze(0)


@hookimpl
def harness_train_step(model, spikes, targets):
    time.sleep(0.1)
    loss = torch.nn.functional.cross_entropy(model(spikes[0]), targets)
    model.optimizer.zero_grad()
    loss.backward()
    model.optimizer.step()
    return {"loss": loss.detach()}


@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes[0]))
