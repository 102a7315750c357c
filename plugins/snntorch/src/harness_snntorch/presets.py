"""The conversion's parameters and presets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from harness.plugin import TRAIN_ON_VALIDATION, Parameter, Presets, Reported, Source, Value
from harness.plugin.toolkit import conversion, relu
from harness.plugin.toolkit.parameters import only_where, with_defaults
from harness.plugin.toolkit.variants import ALL_SAMPLES, RELU_VARIANTS
from harness_snntorch.normalise import METHODS

#: Experiment 001. With 2 as the rate, every pixel of half the full brightness or more spikes in each step.
_SOURCE: dict[str, Value] = {
    "hidden": "1200-1200",
    "init_bound": 0.1,
    "output_relu": True,
    "dropout": 0.5,
    "lr": 1e-3,
    "schedule": "constant",
    "epochs": 15,
    "batch_size": 100,
    TRAIN_ON_VALIDATION: True,
    "code": "poisson",
    "max_rate": 2.0,
    "output": "spikes",
    "reset": "soft",
    "initial_membrane": 0.0,
}
_DATA: dict[str, Value] = {"normalisation": "data", "threshold": 1.0, "steps": 200}
_MODEL: dict[str, Value] = {"normalisation": "model", "threshold": 0.25, "steps": 200}
_NONE: dict[str, Value] = {"normalisation": "none", "threshold": 4.0, "steps": 100}


def _cited(accuracy: float, where: str, mended: Sequence[str] = ()) -> Source:
    """The notebook, with the accuracy of one of its normalisations."""
    return Source(
        title="Fast-classifying, high-accuracy spiking deep networks through weight and threshold "
        "balancing (experiment 001, a notebook after it)",
        authors="Peter U. Diehl, Daniel Neil, Jonathan Binas, Matthew Cook, Shih-Chii Liu, "
        "Michael Pfeiffer",
        year=2015,
        url="https://doi.org/10.1109/IJCNN.2015.7280696",
        mended=mended,
        reported={"mnist": [Reported(accuracy, f"experiment 001, {where}")]},
    )


PRESETS = Presets(
    parameters={
        **with_defaults(conversion.PARAMETERS, steps=16),
        "max_rate": dataclasses.replace(
            conversion.PARAMETERS["max_rate"],
            help="current, or spike probability in a step (at most 1), for an input of 1",
            high=10.0,
        ),
        **RELU_VARIANTS,
        **only_where({"init_bound": RELU_VARIANTS["init_bound"]}, model=("",)),
        **ALL_SAMPLES,
        "output": Parameter(
            "currents",
            "what the scores are sums of: the output's currents, or its neurons' spikes",
            choices=("currents", "spikes"),
        ),
        "normalisation": Parameter(
            "percentile", "how the scale of each layer is computed", choices=METHODS
        ),
        "percentile": Parameter(
            99.9,
            "percentile of the activations",
            low=50,
            high=100,
            where={"normalisation": ("percentile",)},
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
        "source": {"*": {**_SOURCE, **_DATA}},
        "source-model": {"*": {**_SOURCE, **_MODEL}},
        "source-none": {"*": {**_SOURCE, **_NONE}},
        "best": relu.BEST,
        "conv": conversion.CONV_VALUES,
    },
    sources={
        "source": _cited(
            0.9815,
            "cell 18",
            mended=(
                "Its call passes the largest activation of every neuron where the algorithm takes that of "
                "the layer. The scales that it prints are those of the layers, and so are the preset's.",
            ),
        ),
        "source-model": _cited(0.9803, "cell 10"),
        "source-none": _cited(0.9807, "cell 64"),
    },
)
