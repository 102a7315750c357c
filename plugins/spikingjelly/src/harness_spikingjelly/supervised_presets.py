"""The parameters and presets of spikingjelly-stdp-supervised. Times are in steps."""

from __future__ import annotations

from harness.plugin import TRAIN_ON_VALIDATION, Parameter, Presets, Source, Value
from harness.plugin.toolkit.parameters import (
    ENCODING,
    HIDDEN_OR_NONE,
    TRAINING,
    with_defaults,
)
from harness.plugin.toolkit.variants import ALL_SAMPLES
from harness_spikingjelly.supervised_rule import IMPLEMENTATIONS
from harness_spikingjelly.supervised_signals import SIGNALS

#: Experiment 003. Its time constants, input, optimizer, batches and epochs are the defaults.
_SOURCE: dict[str, Value] = {
    "signal": "loss",
    "depression": 1.0,
    "reset": "soft",
    "drop_last": True,
    TRAIN_ON_VALIDATION: True,
}

_NEAR_SOURCE: dict[str, Value] = {"implementation": "learner"}

_TITLE = (
    "SpikingJelly: an open-source machine learning infrastructure platform for spike-based intelligence "
    "(experiment 003, a notebook after its STDPLearner)"
)
_AUTHORS = "Wei Fang, Yanqi Chen, Jianhao Ding, Zhaofei Yu, Timothee Masquelier and others"
_URL = "https://doi.org/10.1126/sciadv.adi1480"

_NEAR_DEPARTURES = (
    "Pairs with input after output do not depress; there they count as much as the others.",
    "Neurons are reset to 0; there the threshold is subtracted.",
    "The last batch is used where it is not full; there it is dropped.",
    "Training leaves out the 5000 validation images; there it uses all 60 000.",
)

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
            "teacher",
            "supervision of STDP: a teacher's spikes, a reward, or the loss",
            choices=SIGNALS,
        ),
        "exploration": Parameter(
            0.1,
            "probability of a random choice in training",
            low=0,
            high=1,
            where={"signal": ("reward",)},
        ),
        **with_defaults(TRAINING, epochs=5, batch_size=200, schedule="constant"),
        "drop_last": Parameter(False, "make no update from a batch that is not full"),
        **ALL_SAMPLES,
        **with_defaults(ENCODING, code="poisson"),
        "tau": Parameter(2.0, "membrane time constant", low=1.001),
        "reset": Parameter(
            "hard", "set to 0 (hard), or subtract the threshold", choices=("hard", "soft")
        ),
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
        "near-source": {"*": _NEAR_SOURCE},
        # SpikingJelly's learner of rewards works step by step; matrix products take 1/50 of the time.
        "near-source-reward": {"*": {"signal": "reward"}},
        "best": {
            "*": _HIDDEN,
            "digits": {**_HIDDEN, "epochs": 30, "batch_size": 32},
        },
    },
    sources={
        "source": Source(
            title=_TITLE,
            authors=_AUTHORS,
            year=2023,
            url=_URL,
            mended=(
                "Its backward pass multiplies the loss's derivative [200, 10] by an STDP update that is "
                "already summed over the batch [10, 784], and ends there. The preset multiplies each "
                "sample's update before the sum, as the chain rule in its text says.",
                "The product becomes the weights' gradient; there it is returned as that of the input.",
                "The network is at rest before each batch; its `reset` is never called.",
                "It is evaluated, on the test images; there is no such part.",
                "A black pixel never spikes; there it does with probability 2^-24.",
            ),
        ),
        "near-source": Source(
            title=_TITLE,
            authors=_AUTHORS,
            year=2023,
            url=_URL,
            departures=(
                "STDP pairs the input with a teacher's spikes minus the neuron's own; there the loss's "
                "derivative multiplies the STDP of the neuron's own spikes.",
                *_NEAR_DEPARTURES,
            ),
        ),
        "near-source-reward": Source(
            title=_TITLE,
            authors=_AUTHORS,
            year=2023,
            url=_URL,
            departures=(
                "A reward multiplies the STDP of one chosen neuron (Florian 2007), with traces that decay "
                "by exp(-1/tau); there the loss's derivative multiplies that of all neurons.",
                *_NEAR_DEPARTURES,
            ),
        ),
    },
)
