"""The conversion's parameters and presets."""

from __future__ import annotations

from harness.plugin.toolkit.codes import CODES
from harness.plugin import LAYER_SIZES, Parameter, Presets, Value
from harness_snntorch.normalise import METHODS

# The original experiments: ANN 98.23 %.
_SOURCE: dict[str, Value] = {
    "hidden": "1200-1200",
    "dropout": 0.5,
    "lr": 1e-3,
    "schedule": "constant",
    "epochs": 15,
    "normalisation": "data",
    "steps": 200,
    "code": "poisson",
    "reset": "hard",
    "initial_membrane": 0.0,
}

PRESETS = Presets(
    parameters={
        "hidden": Parameter(
            "256", "units in each hidden layer, as 256 or 256-64", pattern=LAYER_SIZES
        ),
        "dropout": Parameter(0.0, "hidden units dropped while training", low=0, high=0.95),
        "input_dropout": Parameter(0.0, "input values dropped while training", low=0, high=0.95),
        "lr": Parameter(3e-3, "peak learning rate of Adam", low=0),
        "schedule": Parameter(
            "cosine", "learning rate: cosine to 0 or constant", choices=("cosine", "constant")
        ),
        "label_smoothing": Parameter(0.0, "share of each target spread evenly", low=0, high=0.5),
        "epochs": Parameter(2, "passes over the training set", low=1),
        "batch_size": Parameter(128, "samples an update", low=1),
        "normalisation": Parameter(
            "percentile", "what each layer's scale is taken from", choices=METHODS
        ),
        "percentile": Parameter(
            99.9, "percentile of the activations (percentile only)", low=50, high=100
        ),
        "threshold": Parameter(1.0, "threshold of the normalised neurons", low=1e-6),
        "steps": Parameter(16, "time steps an input is shown", low=1),
        "code": Parameter("rate", "input code; rate is a constant current", choices=CODES),
        "max_rate": Parameter(1.0, "spikes (or current) a step for an input of 1", low=0, high=1),
        "reset": Parameter(
            "soft", "subtract the threshold, or set to 0 (hard)", choices=("soft", "hard")
        ),
        "initial_membrane": Parameter(
            0.5, "membrane before the first step, in thresholds", low=0, high=1
        ),
        "beta": Parameter(1.0, "membrane decay a step; 1 is integrate-and-fire", low=0, high=1),
    },
    values={
        "quick": {"*": {}, "digits": {"epochs": 20, "batch_size": 32}},
        "source": {"*": _SOURCE},
        "source-model": {"*": {**_SOURCE, "normalisation": "model", "threshold": 0.25}},
        "source-none": {"*": {**_SOURCE, "normalisation": "none", "threshold": 4.0, "steps": 100}},
        "best": {
            "*": {
                "hidden": "1200-1200",
                "dropout": 0.4,
                "input_dropout": 0.2,
                "lr": 1e-3,
                "label_smoothing": 0.05,
                "epochs": 20,
            },
            "digits": {
                "hidden": "512-512",
                "dropout": 0.5,
                "input_dropout": 0.2,
                "lr": 2e-3,
                "label_smoothing": 0.1,
                "epochs": 100,
                "batch_size": 32,
            },
        },
    },
    reported={
        "source": {"mnist": 0.9815},
        "source-model": {"mnist": 0.9803},
        "source-none": {"mnist": 0.9807},
    },
)
