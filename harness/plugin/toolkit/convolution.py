"""Convolutions before the dense layers: convolution, spiking neurons, average pooling, one after another.

The weights, the pooling and batch normalisation are the same for every framework and live here; the
neurons are the plugin's. Batch normalisation is used in training and folded into the convolutions
before the network is evaluated (Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to
efficient event-driven networks", section 2.2): the network that is measured does no operation that is not
counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own name for it)

from harness.plugin import LAYER_SIZES, Layer, Parameter, Params, Task, Unsupported, layer_sizes
from harness.plugin.toolkit.codes import is_constant
from harness.plugin.toolkit.parameters import only_where

#: What a network is made of.
DENSE, CONV = "dense", "conv"

PARAMETERS = only_where(
    {
        "channels": Parameter("16-32", "channels of each convolution", pattern=LAYER_SIZES),
        "kernel": Parameter(5, "side of each convolution's kernel, odd", low=1),
        "batch_norm": Parameter(False, "batch normalisation in training, then folded"),
    },
    network=(CONV,),
)

#: Neurons of a framework: currents [T, B, n] to spikes [T, B, n].
Neurons = Callable[[Tensor], Tensor]


class Convolutions(nn.Module):
    """For each of `params.channels` a convolution, neurons, and average pooling over 2 x 2.

    Images keep their size in a convolution and lose half of it in the pooling. `features` is the
    number of values that come out. Unsupported where a sample is no image of at least 4 x 4.
    """

    folded: Tensor

    def __init__(self, task: Task, params: Params, device: torch.device) -> None:
        super().__init__()
        channels = image_channels(task, params)
        self.shape = shape = task.input_shape
        normed = bool(params.batch_norm)
        self.convolutions: Any = nn.ModuleList(
            _convolution(n_in, n_out, params.kernel, params.gain, normed)
            for n_in, n_out in zip((shape[0], *channels), channels)
        ).to(device)
        self.norms: Any = nn.ModuleList(nn.BatchNorm2d(n) for n in channels if normed).to(device)
        self.register_buffer("folded", torch.zeros((), dtype=torch.bool, device=device))
        height, width = (size >> len(channels) for size in shape[1:])
        self.features = channels[-1] * height * width

    def forward(
        self, spikes: Tensor, neurons: Neurons, record: list[Layer] | None = None
    ) -> Tensor:
        """`spikes` [T, B, N], N an image's values, to features [T, B, n]; `record` gets the layers."""
        images = spikes.view(*spikes.shape[:2], *self.shape)
        for number, convolution in enumerate(self.convolutions):
            currents = self._currents(images, number)
            emitted = neurons(currents.flatten(2)).view_as(currents)
            if record is not None:
                record.append(Layer(f"conv{number + 1}", images, convolution, emitted))
            images = over_time(emitted, lambda x: F.avg_pool2d(x, 2))
        return images.flatten(2)

    def _currents(self, images: Tensor, number: int) -> Tensor:
        def once(flat: Tensor) -> Tensor:
            currents: Tensor = self.convolutions[number](flat)
            if len(self.norms) and not self.folded:
                currents = self.norms[number](currents)
            return currents

        if is_constant(images):
            return once(images[0]).expand(len(images), -1, -1, -1, -1)
        return over_time(images, once)

    @torch.no_grad()
    def fold(self) -> None:
        """Puts batch normalisation into the weights and biases of the convolutions, once."""
        if self.folded:
            return
        for convolution, norm in zip(self.convolutions, self.norms):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            convolution.weight *= scale[:, None, None, None]
            convolution.bias.copy_(norm.bias + scale * (convolution.bias - norm.running_mean))
        self.folded.fill_(True)


def image_channels(task: Task, params: Params) -> list[int]:
    """The channels of the convolutions; Unsupported where samples are no images that are large enough."""
    channels, shape = layer_sizes(params.channels), task.input_shape
    if len(shape) != 3 or min(shape[1:]) < 2 ** len(channels):
        raise Unsupported(
            f"{len(channels)} convolutions with pooling need images of at least "
            f"{2 ** len(channels)} x {2 ** len(channels)}, and a sample of {task.name} is {shape}"
        )
    if params.kernel % 2 == 0:
        raise Unsupported(f"kernel = {params.kernel}: an odd one keeps the size of the image")
    return channels


def over_time(images: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """`function` of images [B, C, H, W], applied to all steps of `images` [T, B, C, H, W] at once."""
    flat = function(images.flatten(0, 1))
    return flat.view(*images.shape[:2], *flat.shape[1:])


def _convolution(n_in: int, n_out: int, kernel: int, gain: float, bias: bool) -> nn.Conv2d:
    """Weights N(0, gain^2 / fan-in), drawn on the CPU; a bias, of 0, where there is one."""
    made = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=bias)
    with torch.no_grad():
        made.weight.normal_(0.0, gain / math.sqrt(n_in * kernel**2))
        if made.bias is not None:
            made.bias.zero_()
    return made
