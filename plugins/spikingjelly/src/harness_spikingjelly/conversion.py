"""Conversion: train a ReLU network, let SpikingJelly's ann2snn make integrate-and-fire neurons of it.

Rueckauer et al. 2017, Conversion of continuous-valued deep networks to efficient event-driven
networks for image classification, Front. Neurosci. 11:682; SpikingJelly's `RateCodingRecipe`.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin import (
    Evaluation,
    Layer,
    Params,
    Presets,
    Scalars,
    Task,
    Unsupported,
    layer_sizes,
)
from harness.plugin.toolkit.optimizer import Adam
from harness_spikingjelly.conversion_network import Batches, ConvertedNet
from harness_spikingjelly.conversion_presets import PRESETS


class Conversion(ConvertedNet):
    """The network with its parameters and what trains it."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(
            [task.inputs, *layer_sizes(params.hidden), task.classes],
            dropout=params.dropout,
            input_dropout=params.input_dropout,
            mode=params.mode,
            momentum=params.momentum,
            initial_membrane=params.initial_membrane,
        )
        self.params = params
        self.to(device)
        # The host drives the epochs, so the schedule counts updates.
        updates = params.epochs * math.ceil(task.train_size / params.batch_size)
        cosine_over = updates if params.schedule == "cosine" else 0
        self.optimizer = Adam(self.parameters(), params.lr, cosine_over=cosine_over)


@hookimpl
def harness_presets() -> Presets:
    """See `conversion_presets`."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Conversion:
    """The network in PyTorch's default initialisation, its scales still 1."""
    if task.kind != "classification":
        raise Unsupported(f"a {task.kind} task has no classes for a ReLU network")
    if task.steps is not None:
        raise Unsupported("a ReLU network sees no time, and the samples are spike trains")
    model = Conversion(task, params, device)
    # SpikingJelly imports its kernels at the first step, which takes seconds and is not inference.
    with torch.no_grad():
        model(torch.zeros(1, 1, task.inputs, device=device))
    return model


@hookimpl
def harness_encode(model: Conversion, inputs: Tensor, generator: Generator) -> Tensor:
    """In training the inputs, as one step; else its code [T, B, n_in].

    The ReLU network cannot see its image in spikes, so the image goes along as an attribute of the
    tensor itself. Nothing is remembered in the model, it lives as long as the
    spikes do, and spikes from elsewhere merely get no reference answer.
    """
    params = model.params
    if model.training:
        return inputs.flatten(1).unsqueeze(0)
    spikes = encode(inputs, params.code, params.steps, params.max_rate, generator)
    spikes.image = inputs  # type: ignore[attr-defined] # a tensor takes attributes of anybody
    return spikes


@hookimpl
def harness_train_step(model: Conversion, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update of the ReLU network on the cross-entropy."""
    logits = model.analog(spikes[0])
    loss = F.cross_entropy(logits, targets, label_smoothing=model.params.label_smoothing)
    model.optimizer.zero_grad()
    torch.autograd.backward(loss)
    model.optimizer.step()
    accuracy = (logits.detach().argmax(1) == targets).float().mean()
    return {"loss": loss.detach(), "accuracy": accuracy}


@hookimpl
def harness_finish_training(model: Conversion, batches: Batches) -> Scalars:
    """The conversion, its scales calibrated on the training set."""
    return {f"scale{number}": scale for number, scale in enumerate(model.calibrate(batches), 1)}


@hookimpl
def harness_evaluate(model: Conversion, spikes: Tensor, record: bool) -> Evaluation:
    """The output currents summed up to each step, [T, B, C].

    SpikingJelly multiplies a layer's spikes by its scale before the next connection. A scale is one
    number a layer, the same for every spike, so it is as good as part of the weights that follow,
    and connections are recorded as receiving the spikes themselves: an operation stays an
    accumulate, as it would be on hardware.
    """
    *hidden, scores = model(spikes)
    if not record:
        return Evaluation(scores)
    layers = [
        Layer(f"linear{number}", received, linear, sent)
        for number, (received, linear, sent) in enumerate(
            zip([spikes, *hidden], model.linears, [*hidden, None]), 1
        )
    ]
    image = cast("Tensor | None", getattr(spikes, "image", None))
    return Evaluation(scores, layers, {} if image is None else {"ann": model.analog(image)})
