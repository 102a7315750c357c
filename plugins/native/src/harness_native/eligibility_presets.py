"""The parameters and presets of native-eligibility.

The rows of the experiment, with `harness run --plugins native-eligibility --task mnist` before each:

    --preset source,source-threshold-50 --set native-eligibility.hidden=32,64,128,256
    --preset source-low-thresholds,source-poisson,source-deep
    --preset source-diverges --set native-eligibility.hidden=64-32,256-128

For the figures that its logs give after one and two epochs: `--set native-eligibility.epochs=1,2`.
"""

from __future__ import annotations

import math

from harness.plugin import Parameter, Presets, Reported, Value
from harness.plugin.toolkit.codes import CODES
from harness_native.feedback_experiment import SETTING, by_size, cited
from harness_native.parameters import FEEDBACK, NETWORK, QUICK, TRAINING

PARAMETERS = {
    **NETWORK,
    "test_code": Parameter(
        "same", "input encoding for evaluation; same is that of training", choices=("same", *CODES)
    ),
    **FEEDBACK,
    "trace_decay": Parameter(
        0.95, "decay of the eligibility trace in one step (output=spikes)", 0.0, 1.0
    ),
    **TRAINING,
}

#: All of the experiment's networks with traces. A spike subtracts its threshold twice: the experiment's
#: code does so, and its figures were made with it. The slope is the default of its function.
SOURCE: dict[str, Value] = {
    **SETTING,
    "window": 20,
    "slope": 25.0,
    "resets": 2.0,
    "trace_decay": math.exp(-1 / 20),
}

DEEP: dict[str, Value] = {**SOURCE, "hidden": "64-32", "thresholds": "3-2-0.09"}

#: The learning rate is constant, so the figures after the first epochs are those of a shorter training.
DEEP_REPORTED = [
    Reported(0.93, "conclusion: 15 epochs, about 93 %"),
    Reported(0.8228, "the cell's log, epoch 2", {"epochs": 2}),
    Reported(0.5411, "the cell's log, epoch 1", {"epochs": 1}),
]
DIVERGES_REPORTED = [
    Reported(0.0980, "the cell's log, epoch 2; it is cut off in epoch 3", {"epochs": 2}),
    Reported(0.0990, "the cell's log, epoch 1", {"epochs": 1}),
]
LOW_REPORTED = [
    Reported(0.9002, "output of the cell with thresholds [3, 0.09]"),
    Reported(0.8897, "the cell's log, epoch 1", {"epochs": 1}),
]

PRESETS = Presets(
    parameters=PARAMETERS,
    values={
        "quick": QUICK,
        "source": {"*": {**SOURCE, "thresholds": "5-0.3"}},
        "source-threshold-50": {"*": {**SOURCE, "thresholds": "50-0.3"}},
        "source-low-thresholds": {"*": {**SOURCE, "hidden": "64", "thresholds": "3-0.09"}},
        "source-poisson": {
            "*": {
                **SOURCE,
                "hidden": "256-64",
                "thresholds": "5-4-0.3",
                "code": "poisson",
                "test_code": "rate",
            },
        },
        "source-deep": {"*": {**DEEP, "lr": 5e-4, "epochs": 15}},
        "source-diverges": {"*": {**DEEP, "lr": 0.05, "epochs": 5}},
        "best": {
            "*": {
                "hidden": "1000",
                "window": 4,
                "dropout": 0.2,
                "label_smoothing": 0.05,
                "lr": 0.002,
                "epochs": 15,
            },
            "digits": {"epochs": 40, "batch_size": 32},
            # As `quick`: longer training was not better on the validation samples.
            "yin-yang": {
                **QUICK["yin-yang"],
                "hidden": "256",
                "dropout": 0.0,
                "label_smoothing": 0.0,
            },
        },
    },
    sources={
        "source": cited(
            by_size(
                "output of the cell with thresholds [5, 0.3]",
                {"32": 89.99, "64": 90.94, "128": 89.81, "256": 91.5},
            )
        ),
        "source-threshold-50": cited(
            by_size(
                "output of the cell with thresholds [50, 0.3]",
                {"32": 79.7, "64": 88.27, "128": 89.65, "256": 81.75},
            )
        ),
        "source-low-thresholds": cited(LOW_REPORTED),
        "source-poisson": cited(
            [Reported(0.8919, "output of the cell with Poisson encoding, two epochs")]
        ),
        "source-deep": cited(DEEP_REPORTED),
        "source-diverges": cited(DIVERGES_REPORTED),
    },
)
