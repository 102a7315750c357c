"""The experiment that the presets `source*` of native-dfa and native-eligibility repeat; its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.plugin import TRAIN_ON_VALIDATION, Reported, Source, Value

#: What all its settings have in common. Time constants of 5 and 20 steps for synapse and membrane, and
#: weights of the feedback with a standard deviation of 0.1 for ten classes.
SETTING: dict[str, Value] = {
    "output": "spikes",
    "steps": 20,
    "code": "rate",
    "max_rate": 1.0,
    "alpha": math.exp(-1 / 5),
    "beta": math.exp(-1 / 20),
    "theta": 1.0,
    "gain": 1.0,
    "feedback": 0.1 * math.sqrt(10),
    "lr": 0.005,
    "schedule": "constant",
    "epochs": 2,
    "batch_size": 64,
    TRAIN_ON_VALIDATION: True,
}


def cited(reported: Sequence[Reported], mended: Sequence[str] = ()) -> Source:
    """The experiment, with the accuracies on MNIST that it reports for a preset."""
    return Source(
        title="Direct/random feedback alignment and eligibility traces, SNN on MNIST",
        authors="a notebook without author and date (experiment 000)",
        mended=mended,
        reported={"mnist": reported},
    )


def by_size(where: str, percent: Mapping[str, float]) -> list[Reported]:
    """The accuracies in % that were printed at `where`, by the sizes of the hidden layers."""
    return [
        Reported(accuracy / 100, f"{where}, {hidden} neurons", {"hidden": hidden})
        for hidden, accuracy in percent.items()
    ]
