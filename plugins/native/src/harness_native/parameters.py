"""The parameters that several native plugins have in common."""

from __future__ import annotations

from harness.plugin import TRAIN_ON_VALIDATION, Parameter, Value
from harness.plugin.toolkit.parameters import DROPOUT, ENCODING, HIDDEN, LABEL_SMOOTHING
from harness.plugin.toolkit.parameters import TRAINING as SCHEDULED

#: A decimal number above 0.
_THRESHOLD = r"(?=[\d.]*[1-9])\d+(\.\d+)?"

NETWORK = {
    "hidden": HIDDEN,
    **ENCODING,
    "window": Parameter(
        10,
        "last steps over which the readout averages; with output=spikes for learning only",
        low=1,
    ),
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
    "yin-yang": {
        "lr": 0.003,
        "epochs": 8,
        "steps": 60,
        "window": 60,
        "alpha": 0.9,
        "beta": 0.95,
        "gain": 0.6,
    },
}

FEEDBACK = {
    "feedback": Parameter(1.0, "scale of the random feedback weights", low=0.0),
    "output": Parameter(
        "leaky",
        "leaky: an integrator with softmax; spikes: neurons, whose spikes are counted in all steps",
        choices=("leaky", "spikes"),
    ),
    "thresholds": Parameter(
        "1",
        "firing thresholds in theta: of each layer that spikes, as 2-0.3, or one of all",
        pattern=f"{_THRESHOLD}(-{_THRESHOLD})*",
    ),
    "resets": Parameter(1.0, "thresholds that a spike subtracts", low=0.0),
    TRAIN_ON_VALIDATION: Parameter(False, "whether the validation samples are trained on too"),
}
