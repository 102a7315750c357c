"""The parameters that several native plugins have in common."""

from __future__ import annotations

from harness.plugin.toolkit.codes import CODES
from harness.plugin import LAYER_SIZES, Parameter, Value

NETWORK = {
    "hidden": Parameter(
        "256", "neurons in each hidden layer, as 256 or 256-64", pattern=LAYER_SIZES
    ),
    "steps": Parameter(10, "time steps for a sample", low=1),
    "window": Parameter(10, "last steps from which the answer is read", low=1),
    "code": Parameter("rate", "input code", choices=CODES),
    "max_rate": Parameter(1.0, "current or spike probability of a white pixel", 0.0, 1.0),
    "alpha": Parameter(0.6, "decay of the synaptic current in one step", 0.0, 1.0),
    "beta": Parameter(0.9, "decay of the membrane in one step", 0.0, 1.0),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(1.0, "slope of the spike's stand-in derivative, in 1/theta", low=0.0),
    "gain": Parameter(0.3, "scale of the initial weights", low=0.0),
}

TRAINING = {
    "dropout": Parameter(0.0, "hidden neurons dropped while training", 0.0, 0.95),
    "label_smoothing": Parameter(0.0, "share of each target spread evenly", 0.0, 0.5),
    "lr": Parameter(0.001, "Adam's learning rate", low=0.0),
    "schedule": Parameter(
        "cosine", "learning rate: cosine to 0 or constant", choices=("cosine", "constant")
    ),
    "epochs": Parameter(3, "passes over the training set", low=0),
    "batch_size": Parameter(64, "samples in an update", low=1),
}

QUICK: dict[str, dict[str, Value]] = {
    "*": {"lr": 0.003, "epochs": 1},
    "digits": {"lr": 0.005, "epochs": 10, "batch_size": 32},
    # One spike from each unit in 100 steps: traces that last, and an answer from all of them.
    "randman": {"lr": 0.003, "epochs": 3, "window": 100, "alpha": 0.9, "beta": 0.95},
}

# What the original experiments of random feedback leave open: one exponential for synapse and
# membrane, and currents small enough for the large constant learning rate.
SOURCE: dict[str, Value] = {
    "steps": 20,
    "alpha": 0.0,
    "beta": 0.8,
    "max_rate": 0.25,
    "gain": 1.0,
    "lr": 0.005,
    "schedule": "constant",
    "epochs": 2,
    "batch_size": 128,
}

# As many updates as on mnist.
SOURCE_DIGITS: dict[str, Value] = {"epochs": 22, "batch_size": 32}

FEEDBACK = {"feedback": Parameter(1.0, "scale of the random feedback weights", low=0.0)}
