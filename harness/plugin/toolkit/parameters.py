"""Parameters that several plugins share, so that a name means the same in every row.

A plugin puts together what it reads, with defaults of its own where these do not suit::

    {"hidden": HIDDEN, **ENCODING, **with_defaults(TRAINING, lr=3e-3, epochs=2)}
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from harness.errors import unknown
from harness.plugin import LAYER_SIZES, Parameter, Value
from harness.plugin.toolkit.codes import CODES

HIDDEN = Parameter("256", "neurons in each hidden layer, as 256 or 256-64", pattern=LAYER_SIZES)

HIDDEN_OR_NONE = Parameter(
    "256", "neurons in each hidden layer, as 256 or 256-64, or none", pattern=f"none|{LAYER_SIZES}"
)

#: What `harness.plugin.toolkit.codes.harness_encode` reads.
ENCODING = {
    "steps": Parameter(10, "time steps for a sample", low=1),
    "code": Parameter("rate", "input encoding; rate is a constant current", choices=CODES),
    "max_rate": Parameter(
        1.0, "current, or spike probability in a step, for an input of 1", 0.0, 1.0
    ),
}

DROPOUT = Parameter(0.0, "probability that a hidden neuron is dropped in training", 0.0, 0.95)

LABEL_SMOOTHING = Parameter(0.0, "share of each target spread evenly over the classes", 0.0, 0.5)

#: For networks that are trained on the cross-entropy.
REGULARISATION = {
    "dropout": DROPOUT,
    "input_dropout": Parameter(
        0.0, "probability that an input is dropped in training", low=0.0, high=0.95
    ),
    "label_smoothing": LABEL_SMOOTHING,
}

SCHEDULE = Parameter(
    "cosine",
    "learning rate: falls to 0 as a cosine, or is constant",
    choices=("cosine", "constant"),
)

#: The length of the training; the host reads these two as well.
BATCHES = {
    "epochs": Parameter(3, "passes over the training set", low=0),
    "batch_size": Parameter(64, "samples in an update", low=1),
}

#: What `harness.plugin.toolkit.optimizer.scheduled_adam` reads.
TRAINING = {"lr": Parameter(1e-3, "peak learning rate", low=0.0), "schedule": SCHEDULE, **BATCHES}

#: What `harness.plugin.toolkit.optimizer.adam_or_sgd` reads beside `TRAINING`.
ADAM_OR_SGD = {
    "optimizer": Parameter("adam", "adam or sgd", choices=("adam", "sgd")),
    "momentum": Parameter(0.0, "momentum", low=0.0, high=0.999, where={"optimizer": ("sgd",)}),
}


def only_where(
    parameters: Mapping[str, Parameter], **where: Sequence[Value]
) -> dict[str, Parameter]:
    """`parameters`, which have an effect only where those that `where` names have one of its values."""
    return {
        name: dataclasses.replace(parameter, where={**parameter.where, **where})
        for name, parameter in parameters.items()
    }


def with_defaults(parameters: Mapping[str, Parameter], **defaults: Value) -> dict[str, Parameter]:
    """`parameters`, with the `defaults` named in place of their own; UsageError for an unknown name."""
    for name in defaults:
        if name not in parameters:
            raise unknown("parameter", name, parameters)
    changed = {
        name: dataclasses.replace(parameters[name], default=value)
        for name, value in defaults.items()
    }
    return {**parameters, **changed}
