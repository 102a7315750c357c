"""Unsupervised STDP of a winner-take-all layer: parameters and presets. Times are in steps.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015.
`harness.plugin.toolkit.homeostasis` has thresholds and weight normalisation, and
`harness.plugin.toolkit.labels` the readout of classes.
"""

from __future__ import annotations

from harness.plugin import Parameter, Params, Value
from harness.plugin.toolkit.homeostasis import Homeostasis, Scale
from harness.plugin.toolkit.labels import READOUTS
from harness.plugin.toolkit.parameters import BATCHES, ENCODING, with_defaults

PARAMETERS = {
    "neurons": Parameter(100, "neurons that compete", low=1),
    **with_defaults(BATCHES, epochs=1, batch_size=16),
    **with_defaults(ENCODING, steps=20, code="regular", max_rate=0.25),
    "tau": Parameter(20.0, "membrane time constant", low=1.001),
    "threshold": Parameter(30.0, "initial firing threshold", low=1e-3),
    "inhibition": Parameter(
        1.0, "what a spike subtracts from the other neurons' potentials, in thresholds", low=0
    ),
    "theta_plus": Parameter(0.8, "rise of a neuron's threshold with each spike", low=0),
    "theta_decay": Parameter(
        0.0, "fraction of the threshold lost in a presentation", low=0, high=1
    ),
    "target": Parameter(4.0, "desired number of spikes of the layer in a presentation", low=0),
    "learning_rate": Parameter(0.03, "weight change of a spike pair", low=0),
    "anneal": Parameter(
        0.95,
        "fraction by which learning_rate and theta_plus fall until the end of training",
        low=0,
        high=1,
    ),
    "depression": Parameter(
        0.0, "weight change where input follows output, relative to before", low=0
    ),
    "tau_pre": Parameter(20.0, "time constant of the presynaptic trace", low=1),
    "tau_post": Parameter(20.0, "time constant of the postsynaptic trace", low=1),
    "norm": Parameter(0.2, "value to which a neuron's weights are scaled", low=1e-6),
    "norm_order": Parameter(
        2, "the scaled value: mean (1) or root mean square (2) of the weights", choices=(1, 2)
    ),
    "readout": Parameter(
        "likelihood", "class from spike counts: naive Bayes or vote", choices=READOUTS
    ),
}

DIGITS: dict[str, Value] = {
    "epochs": 3,
    "steps": 20,
    "max_rate": 0.5,
    "threshold": 12.0,
    "theta_plus": 0.3,
    "target": 4.0,
    "learning_rate": 0.06,
}

BEST_DIGITS: dict[str, Value] = {**DIGITS, "batch_size": 16, "epochs": 10, "learning_rate": 0.1}

QUICK: dict[str, dict[str, Value]] = {
    "*": {"steps": 8, "max_rate": 0.6, "threshold": 70.0, "theta_plus": 1.0, "target": 2.0},
    "digits": DIGITS,
}

#: Diehl and Cook 2015 in steps of 1 ms: 350 ms an image, inputs of up to 63.75 Hz, weights that sum to
#: 78.4 over 784 inputs, nu_post = 0.01, nu_pre = 0.0001, thresholds that only rise, labels by vote.
#: Not reproduced: conductances, a population of inhibitory neurons, images one at a time, and the
#: repetition of an image at a higher rate after fewer than 5 output spikes. The membrane potential has
#: another unit, so the threshold is ours; theta_plus has the same ratio to it (0.05 to 13 mV).
DIEHL_COOK: dict[str, Value] = {
    "steps": 350,
    "code": "poisson",
    "max_rate": 0.06375,
    "tau": 100.0,
    "threshold": 20.0,
    "theta_plus": 0.08,
    "theta_decay": 3.5e-5,
    "target": 0.0,
    "learning_rate": 0.01,
    "anneal": 0.0,
    "depression": 0.01,
    "norm": 0.1,
    "norm_order": 1,
    "readout": "vote",
}

#: A neuron has a twelfth of the inputs there, so threshold and theta_plus are a tenth of the above.
DIEHL_COOK_DIGITS: dict[str, Value] = {"threshold": 2.0, "theta_plus": 0.008, "epochs": 3}


def remaining(presented: int, presentations: int, params: Params) -> float:
    """The factor of learning rate and theta_plus after `presented` of all `presentations`."""
    return float(max(1 - params.anneal * presented / presentations, 0.0))


def homeostasis(params: Params, factor: float) -> Homeostasis:
    """The adaptation of thresholds, `theta_plus` times the `factor` of `remaining`."""
    return Homeostasis(params.theta_plus * factor, params.target, params.theta_decay)


def scale(params: Params) -> Scale:
    """The size of the weights."""
    return Scale(params.norm, params.norm_order)
