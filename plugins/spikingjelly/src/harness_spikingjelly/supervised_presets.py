"""The parameters and presets of spikingjelly-stdp-supervised. Times are in steps."""

from __future__ import annotations

from harness.plugin import Parameter, Presets, Value
from harness.plugin.toolkit.parameters import (
    ENCODING,
    HIDDEN_OR_NONE,
    TRAINING,
    with_defaults,
)
from harness_spikingjelly.supervised_rule import IMPLEMENTATIONS
from harness_spikingjelly.supervised_signals import SIGNALS

# The accuracy of the original is unknown: its code never ran. Its layer, input, batches and optimizer are
# the defaults; the learner is SpikingJelly's own.
_SOURCE: dict[str, Value] = {"implementation": "learner"}

_HIDDEN: dict[str, Value] = {
    "hidden": "500",
    "gain": 5.0,
    "lr": 0.01,
    "schedule": "cosine",
    "batch_size": 100,
}

PRESETS = Presets(
    parameters={
        **with_defaults({"hidden": HIDDEN_OR_NONE}, hidden="none"),
        "signal": Parameter(
            "teacher", "supervision of STDP: a teacher's spikes or a reward", choices=SIGNALS
        ),
        "exploration": Parameter(
            0.1, "probability of a random choice in training (reward only)", low=0, high=1
        ),
        **with_defaults(TRAINING, epochs=5, batch_size=200, schedule="constant"),
        **with_defaults(ENCODING, code="poisson"),
        "tau": Parameter(2.0, "membrane time constant", low=1.001),
        "gain": Parameter(1.0, "bound of the initial weights, times sqrt(inputs)", low=0),
        "tau_pre": Parameter(2.0, "time constant of the presynaptic trace", low=1),
        "tau_post": Parameter(2.0, "time constant of the postsynaptic trace", low=1),
        "depression": Parameter(
            0.0, "weight change where signal precedes input, relative to the reverse", low=0, high=1
        ),
        "homeostasis": Parameter(
            2.0, "strength with which hidden neurons are drawn to the target rate", low=0
        ),
        "target_rate": Parameter(
            0.15, "target rate of hidden neurons, in spikes a step", low=0, high=1
        ),
        "implementation": Parameter(
            "products",
            "SpikingJelly's learner or the same update as matrix products",
            choices=IMPLEMENTATIONS,
        ),
    },
    values={
        "quick": {
            "*": {"hidden": "100", "gain": 5.0, "lr": 0.01, "batch_size": 100, "epochs": 1},
            "digits": {"epochs": 10, "batch_size": 50},
        },
        "source": {"*": _SOURCE},
        # SpikingJelly's learner of rewards works step by step; matrix products take 1/50 of the time.
        "source-reward": {"*": {"signal": "reward"}},
        "best": {
            "*": _HIDDEN,
            "digits": {**_HIDDEN, "epochs": 30, "batch_size": 32},
        },
    },
)
