"""What keeps an unsupervised layer in balance: weights of one size, thresholds that follow the rates.

After P. U. Diehl and M. Cook, "Unsupervised learning of digit recognition using
spike-timing-dependent plasticity", Frontiers in Computational Neuroscience 9:99, 2015.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

_LEAST_THRESHOLD = 1e-3


class Homeostasis(NamedTuple):
    """How thresholds adapt.

    `plus` is the rise of a threshold with each spike, `target` the desired number of spikes of the
    whole layer in a presentation, `decay` the fraction that a threshold loses in a presentation.
    """

    plus: float
    target: float
    decay: float


def adapt(threshold: Tensor, counts: Tensor, presentations: int, p: Homeostasis) -> Tensor:
    """The thresholds [n] after `presentations` in which the neurons spiked `counts` [n] times.

    A threshold rises by `plus` with each spike (theta_plus of Diehl and Cook), falls by what `target`
    spikes in a presentation would have raised it if all neurons shared them equally, and decays.
    """
    expected = p.target * presentations / len(threshold)
    risen = threshold + p.plus * (counts.to(threshold) - expected)
    return (risen * (1 - p.decay) ** presentations).clamp_min(_LEAST_THRESHOLD)


class Scale(NamedTuple):
    """The mean (order 1) or root mean square (order 2) to which a neuron's weights are scaled."""

    norm: float
    order: int


def normalise(weight: Tensor, p: Scale) -> Tensor:
    """`weight` [n, n_in] with negative values set to 0, and the weights of each neuron scaled.

    Diehl and Cook keep the sum (78.4 over 784 inputs). With the root mean square, the current w.x
    compares neurons by the angle between weights and input, so broad receptive fields have no
    advantage over narrow ones, as in E. Oja, J. Math. Biology 15:267, 1982.
    """
    weight = weight.clamp_min(0)
    size = weight.pow(p.order).mean(dim=1, keepdim=True).pow(1 / p.order)
    return weight * (p.norm / size.clamp_min(1e-12))
