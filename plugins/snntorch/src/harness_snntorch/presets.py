"""The conversion's parameters and presets."""

from __future__ import annotations

from harness.plugin import Parameter, Presets, Value
from harness.plugin.toolkit import conversion, relu
from harness.plugin.toolkit.parameters import with_defaults
from harness_snntorch.normalise import METHODS

# The original experiments, in which the ReLU network reached 98.23 %.
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
        **with_defaults(conversion.PARAMETERS, steps=16),
        "normalisation": Parameter(
            "percentile", "how the scale of each layer is computed", choices=METHODS
        ),
        "percentile": Parameter(
            99.9, "percentile of the activations (percentile only)", low=50, high=100
        ),
        "threshold": Parameter(1.0, "threshold of the normalised neurons", low=1e-6),
        "reset": Parameter(
            "soft", "subtract the threshold, or set to 0 (hard)", choices=("soft", "hard")
        ),
        "initial_membrane": Parameter(
            0.5, "membrane potential before the first step, in thresholds", low=0, high=1
        ),
        "beta": Parameter(
            1.0,
            "decay of the membrane potential in one step; 1 is integrate-and-fire",
            low=0,
            high=1,
        ),
    },
    values={
        "quick": relu.QUICK,
        "source": {"*": _SOURCE},
        "source-model": {"*": {**_SOURCE, "normalisation": "model", "threshold": 0.25}},
        "source-none": {"*": {**_SOURCE, "normalisation": "none", "threshold": 4.0, "steps": 100}},
        "best": relu.BEST,
    },
    reported={
        "source": {"mnist": 0.9815},
        "source-model": {"mnist": 0.9803},
        "source-none": {"mnist": 0.9807},
    },
)
