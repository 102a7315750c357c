"""The parameters and presets of native-superspike."""

from __future__ import annotations

from harness.plugin import TRAIN_ON_VALIDATION, Parameter, Presets, Source, Value
from harness.plugin.toolkit.parameters import (
    BATCHES,
    ENCODING,
    HIDDEN_OR_NONE,
    SCHEDULE,
    with_defaults,
)
from harness.plugin.toolkit.variants import ALL_SAMPLES
from harness_native.superspike_network import FEEDBACKS

NETWORKS = ("superspike", "single", "readout")

PARAMETERS = {
    "network": Parameter(
        "superspike",
        "layers of spiking neurons, a single one in steps of dt, or spiking neurons and a leaky readout",
        choices=NETWORKS,
    ),
    "hidden": HIDDEN_OR_NONE,
    "feedback": Parameter("symmetric", "how errors reach hidden neurons", choices=FEEDBACKS),
    "tau_mem": Parameter(10.0, "time constant of the membrane in ms", low=1e-3),
    "tau_syn": Parameter(5.0, "time constant of the synaptic current in ms", low=1e-3),
    "tau_ref": Parameter(
        5.0,
        "time at rest after a spike in ms (other networks subtract theta)",
        low=0.0,
        where={"network": ("single",)},
    ),
    "dt": Parameter(0.1, "simulated step in ms", low=1e-3, where={"network": ("single",)}),
    "tau_rise": Parameter(5.0, "rise time of the van Rossum kernel in ms", low=1e-3),
    "tau_decay": Parameter(10.0, "decay time of the van Rossum kernel in ms", low=1e-3),
    "theta": Parameter(1.0, "firing threshold", low=1e-6),
    "slope": Parameter(5.0, "slope of the surrogate gradient, in 1/theta", low=0.0),
    "gain": Parameter(
        0.5, "scale of the initial weights (single and readout: times the membrane's leak)", low=0.0
    ),
    "lr": Parameter(2e-3, "learning rate of Adam", low=0.0, where={"network": ("readout",)}),
    "rate": Parameter(0.01, "learning rate r_0", low=0.0),
    "gamma": Parameter(0.8, "decay of RMaxProp's maximum in one update", 0.0, 1.0),
    "schedule": SCHEDULE,
    "rho": Parameter(0.0, "strength of the heterosynaptic regularisation", low=0.0),
    "tau_het": Parameter(100.0, "time constant in ms of the firing rate that it uses", low=1e-3),
    "target_interval": Parameter(3, "steps between target spikes of the right class", low=1),
    "target_part": Parameter(0.8, "last part of a sample that has target spikes", 0.0, 1.0),
    **with_defaults(ENCODING, code="latency", max_rate=0.2),
    "steps": Parameter(20, "time steps for an encoded sample, 1 ms each", low=1),
    **BATCHES,
    **ALL_SAMPLES,
}

_TRAIN: dict[str, Value] = {"hidden": "none", "slope": 2.0}
#: Experiment 002, its single neuron: membrane potentials and weights in mV above rest.
_SINGLE: dict[str, Value] = {
    "network": "single",
    "hidden": "none",
    "theta": 10.0,
    "slope": 1.0,
    "gain": 7.0,
    "rate": 0.1,
    "gamma": 0.9,
    "schedule": "constant",
    "epochs": 1000,
}
#: Experiment 002, its network.
_READOUT: dict[str, Value] = {
    "network": "readout",
    "hidden": "4",
    "slope": 100.0,
    "gain": 7.0,
    "steps": 200,
    "code": "poisson",
    "max_rate": 0.05,
    "schedule": "constant",
    "batch_size": 256,
    "epochs": 10,
    TRAIN_ON_VALIDATION: True,
}
_PATTERN: dict[str, Value] = {"slope": 2.0, "rho": 10.0, "rate": 0.003, "gamma": 0.95}


def _cited(*mended: str) -> Source:
    return Source(
        title="SuperSpike: supervised learning in multilayer spiking neural networks (experiment 002, a "
        "notebook after it)",
        authors="Friedemann Zenke, Surya Ganguli",
        year=2018,
        url="https://doi.org/10.1162/neco_a_01086",
        mended=mended,
    )


PRESETS = Presets(
    parameters=PARAMETERS,
    values={
        "quick": {
            "*": {"epochs": 1},
            "digits": {"hidden": "100", "epochs": 8, "batch_size": 32},
            "randman": {"hidden": "128", "epochs": 2},
            "yin-yang": {"epochs": 8},
            "spike-train": {**_TRAIN, "epochs": 200},
            "spike-pattern": {**_PATTERN, "epochs": 100},
        },
        "best": {
            "*": {"epochs": 10},
            "digits": {"epochs": 30, "batch_size": 32},
            "yin-yang": {"epochs": 30, "batch_size": 32},
            "spike-train": {**_TRAIN, "epochs": 600},
            "spike-pattern": {**_PATTERN, "epochs": 600},
        },
        "source": {"spike-train": _SINGLE},
        "source-network": {"*": _READOUT},
    },
    sources={
        "source": _cited(
            "Its code ends with an error in the first step: the sum over the inputs is missing. The "
            "synaptic current and the membrane potential never change there; here they do.",
            "The potential starts at U_rest, decays to it, and stays there for tau_ref after a spike. Both "
            "are in its table; its code does not use them.",
            "The learning rate of each weight is that of the paper (RMaxProp), which its text names; its "
            "code adds the bare sum, 1e-11 mV in an epoch where the threshold is at 10 mV. rate = 0.1 mV "
            "and gamma = 0.9 are ours.",
            "Target spikes lie in the middle of their intervals, 50 ms later: its first one is at 0, where "
            "a neuron that starts at rest cannot spike.",
            "The input is the task's: at most one spike of an input in a millisecond, here in a random one "
            "of the ten steps. An output spike counts for its whole millisecond.",
        ),
        "source-network": _cited(
            "The reset multiplies the new potential by 1 - S; in its code a `*` is missing.",
            "The surrogate gradient reads the one tensor that was saved; its code unpacks two.",
            "Loss and optimizer are those of the tutorial that it follows: cross-entropy of the largest "
            "potential over time, Adam at 0.002. It has neither.",
            "The samples, and the numbers of inputs and outputs (100 and 2), are the task's: its data are "
            "defined nowhere. max_rate = 0.05 for images, and 10 epochs, are ours.",
        ),
    },
)
