"""The parameters and presets of spikingjelly-conversion."""

from __future__ import annotations

from harness.plugin.toolkit.codes import CODES
from harness.plugin import LAYER_SIZES, Parameter, Presets

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
        "mode": Parameter(
            "99.9%",
            "what a layer's scale is of a batch's activations: Max, or a percentile as 99.9%",
            pattern=r"Max|100%|[1-9]\d?(\.\d+)?%",
        ),
        "momentum": Parameter(
            0.1, "share of the newest batch in a layer's scale", low=1e-6, high=1
        ),
        "steps": Parameter(32, "time steps an input is shown", low=1),
        "code": Parameter("rate", "input code; rate is a constant current", choices=CODES),
        "max_rate": Parameter(1.0, "spikes (or current) a step for an input of 1", low=0, high=1),
        "initial_membrane": Parameter(
            0.5, "membrane before the first step, in thresholds", choices=(0.0, 0.5)
        ),
    },
    values={
        "quick": {"*": {}, "digits": {"epochs": 20, "batch_size": 32}},
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
)
