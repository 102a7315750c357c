"""The parameters and presets of spikingjelly-stdp-supervised. Times are in steps."""

from __future__ import annotations

from harness.plugin.toolkit.codes import CODES
from harness.plugin import LAYER_SIZES, Parameter, Presets, Value
from harness_spikingjelly.supervised_rule import IMPLEMENTATIONS
from harness_spikingjelly.supervised_signals import SIGNALS

# The source's figures are unknown: its code never ran. Its layer, input, batches and optimizer are the
# defaults; the learner is SpikingJelly's own.
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
        "hidden": Parameter(
            "none",
            "neurons in each hidden layer, as 256 or 256-64; none",
            pattern=f"none|{LAYER_SIZES}",
        ),
        "signal": Parameter(
            "teacher", "what STDP learns from: a teacher's spikes or a reward", choices=SIGNALS
        ),
        "exploration": Parameter(
            0.1, "chance of a choice at random while training (reward only)", low=0, high=1
        ),
        "epochs": Parameter(5, "passes over the training set", low=1),
        "batch_size": Parameter(200, "presentations an update", low=1),
        "lr": Parameter(1e-3, "peak learning rate of Adam", low=0),
        "schedule": Parameter(
            "constant", "learning rate: cosine to 0 or constant", choices=("cosine", "constant")
        ),
        "steps": Parameter(10, "time steps a presentation", low=1),
        "code": Parameter("poisson", "input spikes at random or equal intervals", choices=CODES),
        "max_rate": Parameter(1.0, "input spikes a step for a value of 1", low=0, high=1),
        "tau": Parameter(2.0, "membrane time constant", low=1.001),
        "gain": Parameter(1.0, "initial weights lie within gain / sqrt(inputs)", low=0),
        "tau_pre": Parameter(2.0, "time constant of the presynaptic trace", low=1),
        "tau_post": Parameter(2.0, "time constant of the postsynaptic trace", low=1),
        "depression": Parameter(
            0.0, "signal before input, relative to input before signal", low=0, high=1
        ),
        "homeostasis": Parameter(2.0, "pull of hidden neurons to their target rate", low=0),
        "target_rate": Parameter(
            0.15, "spikes a step that hidden neurons are pulled to", low=0, high=1
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
        # The learner of rewards is one of single steps: as matrix products it is some 50 times faster.
        "source-reward": {"*": {"signal": "reward"}},
        "best": {
            "*": _HIDDEN,
            "digits": {**_HIDDEN, "epochs": 30, "batch_size": 32},
        },
    },
)
