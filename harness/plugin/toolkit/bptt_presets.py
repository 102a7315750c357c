"""The presets of the network of `bptt`, by preset and task; the same for every framework."""

from __future__ import annotations

from collections.abc import Mapping

from harness.plugin import Value
from harness.plugin.toolkit.convolution import CONV
from harness.plugin.toolkit.recurrence import RECURRENT

# An input neuron spikes once in a sample, hence large weights, a slow decay, and a readout of all steps.
_RANDMAN: dict[str, Value] = {"steps": 100, "window": 100, "beta": 0.95, "gain": 3.0}

#: The readout averages over the second pattern, in which the answer is known.
_DELAYED_MATCH: dict[str, Value] = {
    "window": 15,
    "hidden": "64",
    "gain": 3.0,
    "slope": 1.0,
    "lr": 0.003,
}

#: Two convolutions and a readout, for images of 28 x 28.
_CONV: dict[str, Value] = {
    "network": CONV,
    "channels": "16-32",
    "batch_norm": True,
    "steps": 4,
    "dropout": 0.3,
    "lr": 0.003,
    "batch_size": 128,
    "epochs": 12,
}

VALUES: Mapping[str, Mapping[str, Mapping[str, Value]]] = {
    "conv": {"*": _CONV, "digits": {"epochs": 20, "batch_size": 32, "steps": 10}},
    "quick": {
        "*": {"lr": 0.003, "epochs": 1},
        "digits": {"lr": 0.005, "epochs": 10, "batch_size": 32},
        "randman": {**_RANDMAN, "hidden": "128-64", "lr": 0.02, "epochs": 3},
        "yin-yang": {
            "steps": 60,
            "window": 60,
            "gain": 3.0,
            "slope": 5.0,
            "hidden": "128-64",
            "lr": 0.02,
            "epochs": 8,
        },
        "delayed-match": {**_DELAYED_MATCH, "epochs": 10},
    },
    "best": {
        "*": {
            "hidden": "800-800",
            "steps": 4,
            "dropout": 0.3,
            "input_dropout": 0.2,
            "label_smoothing": 0.05,
            "lr": 0.0015,
            "batch_size": 128,
            "epochs": 20,
        },
        "digits": {
            "hidden": "256",
            "steps": 10,
            "dropout": 0.2,
            "input_dropout": 0.0,
            "epochs": 40,
            "batch_size": 32,
        },
        "randman": {
            **_RANDMAN,
            "hidden": "256-128",
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "lr": 0.01,
            "epochs": 8,
            "batch_size": 64,
        },
        "yin-yang": {
            "steps": 60,
            "window": 60,
            "gain": 3.0,
            "slope": 5.0,
            "hidden": "256-128",
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "lr": 0.01,
            "epochs": 15,
            "batch_size": 64,
        },
        "delayed-match": {
            **_DELAYED_MATCH,
            "network": RECURRENT,
            "dropout": 0.0,
            "input_dropout": 0.0,
            "label_smoothing": 0.0,
            "epochs": 15,
            "batch_size": 64,
        },
    },
}
