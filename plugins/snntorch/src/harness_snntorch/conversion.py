"""Conversion: train a ReLU network, normalise it, run it on integrate-and-fire neurons.

Diehl et al. 2015, Fast-classifying, high-accuracy spiking deep networks through weight and
threshold balancing, IJCNN; Rueckauer et al. 2017, Conversion of continuous-valued deep
networks to efficient event-driven networks for image classification, Front. Neurosci. 11:682.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import hookimpl
from harness.plugin.toolkit.codes import encode
from harness.plugin import Evaluation, Layer, Params, Presets, Scalars, Task, layer_sizes
from harness.plugin.toolkit.optimizer import Adam
from harness_snntorch.network import ConvertibleNet
from harness_snntorch.normalise import Batches, layer_scales, thresholds
from harness_snntorch.presets import PRESETS


class Conversion(ConvertibleNet):
    """The network with its parameters and what trains it."""

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__(
            [task.inputs, *layer_sizes(params.hidden), task.classes],
            dropout=params.dropout,
            input_dropout=params.input_dropout,
            threshold=params.threshold,
            beta=params.beta,
            soft_reset=params.reset == "soft",
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
    """Parameters and presets."""
    return PRESETS


@hookimpl
def harness_build_model(task: Task, params: Params, device: torch.device) -> Conversion:
    """The network in PyTorch's default initialisation, its scales still 1."""
    return Conversion(task, params, device)


@hookimpl
def harness_encode(model: Conversion, inputs: Tensor, generator: Generator) -> Tensor:
    """In training the inputs, as one step; else its code [T, B, n_in].

    The ReLU network cannot see its image in spikes, so the image goes along as an attribute of the
    tensor itself. Nothing is remembered in the model, it lives as long as the
    spikes do, and spikes from elsewhere merely get no reference answer.
    """
    params = model.params
    if model.training:
        return inputs.unsqueeze(0)
    spikes = encode(inputs, params.code, params.steps, params.max_rate, generator)
    return with_image(spikes, inputs)


@hookimpl
def harness_train_step(model: Conversion, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update of the ReLU network on the cross-entropy."""
    logits = model.analog(spikes[0])[-1]
    loss = F.cross_entropy(logits, targets, label_smoothing=model.params.label_smoothing)
    model.optimizer.zero_grad()
    torch.autograd.backward(loss)
    model.optimizer.step()
    accuracy = (logits.detach().argmax(1) == targets).float().mean()
    return {"loss": loss.detach(), "accuracy": accuracy}


@hookimpl
def harness_finish_training(model: Conversion, batches: Batches) -> Scalars:
    """The conversion: the scale of each hidden layer, and from it the threshold."""
    params = model.params
    scales = layer_scales(model, params.normalisation, params.percentile, batches)
    for i, threshold in enumerate(thresholds(scales, params.threshold)):
        model.get_buffer(f"neurons.{i}.threshold").fill_(threshold)
    return {f"scale{i}": scale for i, scale in enumerate(scales, 1)}


@hookimpl
def harness_evaluate(model: Conversion, spikes: Tensor, record: bool) -> Evaluation:
    """The output currents summed up to each step, [T, B, C]."""
    *values, scores = model.spiking(spikes)
    if not record:
        return Evaluation(scores)
    outputs = [*values[1:], None]
    layers = [
        Layer(f"linear{i}", received, weight, sent)
        for i, (received, weight, sent) in enumerate(
            zip(values, model.weights, outputs, strict=True), 1
        )
    ]
    image = image_of(spikes)
    return Evaluation(scores, layers, {} if image is None else {"ann": model.analog(image)[-1]})


def with_image(spikes: Tensor, image: Tensor) -> Tensor:
    """`spikes`, carrying the image that they encode."""
    spikes.image = image  # type: ignore[attr-defined] # a tensor takes attributes of anybody
    return spikes


def image_of(spikes: Tensor) -> Tensor | None:
    """The image that `spikes` encode, if they still carry it."""
    return cast("Tensor | None", getattr(spikes, "image", None))
