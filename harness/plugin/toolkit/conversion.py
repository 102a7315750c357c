"""Conversion: a ReLU network is trained, and its weights then run on integrate-and-fire neurons.

The training and the evaluation are the same for every framework and live here; a plugin brings the
conversion itself, as a subclass of `ConvertibleNetwork` and in `harness_finish_training`, and imports
the other hooks. Rueckauer et al. 2017, "Conversion of continuous-valued deep networks to efficient
event-driven networks for image classification", Frontiers in Neuroscience 11:682.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from harness.plugin import (
    Evaluation,
    Layer,
    Parameter,
    Params,
    Scalars,
    Task,
    Value,
    hookimpl,
)
from harness.plugin.toolkit import codes, convolution, relu
from harness.plugin.toolkit.optimizer import Adam, scheduled_adam
from harness.plugin.toolkit.parameters import ENCODING, only_where
from harness.plugin.toolkit.training import Batches as Batches  # for plugins
from harness.plugin.toolkit.training import cross_entropy_step

#: A network of the user's own has its layers and its dropout: these are of the toolkit's networks alone.
_OWN_NETWORK = only_where(
    {
        **only_where({"hidden": relu.PARAMETERS["hidden"]}, network=(convolution.DENSE,)),
        **{name: relu.PARAMETERS[name] for name in ("dropout", "input_dropout")},
        "network": Parameter(
            convolution.DENSE,
            "layers of `hidden` neurons, or convolutions and a readout",
            choices=(convolution.DENSE, convolution.CONV),
        ),
        **convolution.PARAMETERS,
    },
    model=("",),
)

PARAMETERS = {
    **relu.PARAMETERS,
    **_OWN_NETWORK,
    "model": Parameter(
        "",
        "a network of your own, FILE.py:FUNCTION, in place of `hidden` and `network`; "
        "the function returns an nn.Sequential",
        file=True,
    ),
    **ENCODING,
}

#: Two convolutions and a readout, as in the preset `conv` of `bptt`.
CONV_VALUES: dict[str, dict[str, Value]] = {
    "*": {
        "network": convolution.CONV,
        "channels": "16-32",
        "batch_norm": True,
        "dropout": 0.3,
        "lr": 3e-3,
        "epochs": 8,
        "batch_size": 128,
    },
    "digits": {"epochs": 20, "batch_size": 32},
}


class ConvertibleNetwork(relu.ReluNetwork):
    """A ReLU network, and the spiking network on the same weights."""

    params: Params
    optimizer: Adam

    @property
    def connections(self) -> Sequence[Tensor | nn.Module]:
        """The spiking network's connections as the host counts them, from the input to the readout."""
        raise NotImplementedError

    def forward(self, spikes: Tensor) -> list[Tensor]:
        """The spiking network: hidden layers' spikes [T, B, n], and the scores [T, B, C].

        The readout does not spike: its scores after step t are the sum of its currents up to t.
        """
        raise NotImplementedError

    def recorded(self, spikes: Tensor, hidden: Sequence[Tensor]) -> list[Layer]:
        """The layers for the host: for encoded `spikes` [T, B, ...], with the `hidden` layers' spikes."""
        return [
            Layer(f"linear{number}", received, connection, emitted)
            for number, (received, connection, emitted) in enumerate(
                zip([spikes.flatten(2), *hidden], self.connections, [*hidden, None], strict=True), 1
            )
        ]

    def prepare_training(self, task: Task, params: Params, device: torch.device) -> None:
        """Moves the network to `device` and gives it the optimizer of `params`."""
        self.params = params
        self.to(device)
        self.optimizer = scheduled_adam(self.parameters(), task, params)


@hookimpl
def harness_encode(model: ConvertibleNetwork, inputs: Tensor, generator: Generator) -> Tensor:
    """In training the inputs as one step [1, B, ...]; in evaluation their encoding [T, B, n_in].

    The ReLU network, whose scores are the reference, needs the inputs themselves in evaluation. They
    travel as an attribute of the encoded tensor: the model stores nothing, and a copy of the tensor
    only lacks the reference.
    """
    if model.training:
        return inputs.unsqueeze(0)
    spikes = codes.harness_encode(model, inputs, generator)
    spikes.image = inputs  # type: ignore[attr-defined] # a tensor takes any attribute
    return spikes


@hookimpl
def harness_train_step(model: ConvertibleNetwork, spikes: Tensor, targets: Tensor) -> Scalars:
    """One update of the ReLU network on the cross-entropy."""
    logits = model.analog(spikes[0])[-1]
    return cross_entropy_step(model.optimizer, logits, targets, model.params.label_smoothing)


@hookimpl
def harness_evaluate(model: ConvertibleNetwork, spikes: Tensor, record: bool) -> Evaluation:
    """The output currents summed up to each step [T, B, C]; the reference `ann` is the ReLU network."""
    *hidden, scores = model(spikes)
    if not record:
        return Evaluation(scores)
    layers = model.recorded(spikes, hidden)
    image: Tensor | None = getattr(spikes, "image", None)
    return Evaluation(scores, layers, {} if image is None else {"ann": model.analog(image)[-1]})
