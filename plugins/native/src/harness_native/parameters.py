"""The parameters that several native plugins have in common."""

from __future__ import annotations

from harness.plugin import Parameter, Value
from harness.plugin.toolkit.parameters import DROPOUT, ENCODING, HIDDEN, LABEL_SMOOTHING
from harness.plugin.toolkit.parameters import TRAINING as SCHEDULED

NETWORK = {
    "hidden": HIDDEN,
    **ENCODING,
    "window": Parameter(10, "last steps over which the readout averages", low=1),
    "alpha": Parameter(0.6, "decay of the synaptic current in one step", 0.0, 1.0),
    "beta": Parameter(0.9, "decay of the membrane potential in one step", 0.0, 1.0),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(1.0, "slope of the surrogate gradient, in 1/theta", low=0.0),
    "gain": Parameter(0.3, "scale of the initial weights", low=0.0),
}

TRAINING = {"dropout": DROPOUT, "label_smoothing": LABEL_SMOOTHING, **SCHEDULED}

QUICK: dict[str, dict[str, Value]] = {
    "*": {"lr": 0.003, "epochs": 1},
    "digits": {"lr": 0.005, "epochs": 10, "batch_size": 32},
    # An input neuron spikes once in 100 steps, hence slow traces and a readout of all steps.
    "randman": {"lr": 0.003, "epochs": 3, "window": 100, "alpha": 0.9, "beta": 0.95},
}

# The original experiments of random feedback. They do not specify everything, and these are our choices:
# a single exponential for synapse and membrane, and currents small enough for the large constant
# learning rate.
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
