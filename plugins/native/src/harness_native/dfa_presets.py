"""The parameters and presets of native-dfa.

All of the experiment's tables, seven settings of four sizes each:

    harness run --plugins native-dfa --task mnist --preset 'source*' --set native-dfa.hidden=32,64,128,256
"""

from __future__ import annotations

from harness.plugin import Parameter, Presets, Source, Value
from harness_native.feedback_experiment import SETTING, by_size, cited
from harness_native.parameters import FEEDBACK, NETWORK, QUICK, TRAINING

PARAMETERS = {
    **NETWORK,
    **FEEDBACK,
    "surrogate_window": Parameter(
        10, "last steps over which hidden surrogate gradients are averaged (output=spikes)", low=1
    ),
    **TRAINING,
}

#: The experiment averages the hidden layers' surrogate gradients over the last 10 steps and everything
#: else over 15: it takes "all but the first 5 steps" twice.
WINDOWS: dict[str, Value] = {"window": 15, "surrogate_window": 10}

#: Its seven settings, in the order of its cells: threshold of the hidden layer (that of the output is
#: 0.3), slope, and the test accuracy in % for each size.
SIZES = ("32", "64", "128", "256")
SETTINGS = (
    ("0.3", 0.1, (88.33, 90.09, 87.10, 88.13)),
    ("0.1", 0.5, (78.48, 73.90, 57.51, 35.22)),
    ("0.05", 0.1, (88.15, 90.25, 91.07, 90.19)),
    ("1", 0.7, (80.14, 65.38, 39.09, 47.20)),
    ("2", 1.2, (55.56, 46.33, 18.49, 12.57)),
    ("2", 0.02, (91.82, 92.17, 92.96, 93.78)),
    ("5", 0.02, (91.47, 90.50, 91.76, 92.93)),
)


def source_name(threshold: str, slope: float) -> str:
    """The preset of a setting; `source` is the one with the best accuracy."""
    if (threshold, slope) == ("2", 0.02):
        return "source"
    return f"source-threshold-{threshold}-slope-{slope:g}"


def source_values(threshold: str, slope: float) -> dict[str, Value]:
    """The parameters of a setting."""
    return {**SETTING, **WINDOWS, "thresholds": f"{threshold}-0.3", "slope": slope}


def source_of(threshold: str, slope: float, percent: tuple[float, ...]) -> Source:
    """The citation of a setting."""
    where = f"output of the cell with thresholds [{threshold}, 0.3] and slope {slope:g}"
    return cited(by_size(where, dict(zip(SIZES, percent, strict=True))))


PRESETS = Presets(
    parameters=PARAMETERS,
    values={
        "quick": QUICK,
        **{
            source_name(threshold, slope): {"*": source_values(threshold, slope)}
            for threshold, slope, _ in SETTINGS
        },
        "best": {
            "*": {"hidden": "800", "dropout": 0.2, "label_smoothing": 0.05, "epochs": 12},
            "digits": {
                "hidden": "500",
                "dropout": 0.0,
                "label_smoothing": 0.0,
                "epochs": 40,
                "batch_size": 32,
            },
            "yin-yang": {
                **QUICK["yin-yang"],
                "hidden": "256",
                "dropout": 0.0,
                "label_smoothing": 0.0,
                "gain": 0.3,
                "lr": 0.01,
                "epochs": 15,
            },
        },
    },
    sources={source_name(*setting[:2]): source_of(*setting) for setting in SETTINGS},
)
