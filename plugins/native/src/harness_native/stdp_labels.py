"""What an unsupervised layer's spikes say about the class, learnt from labelled training data.

Each readout is a matrix [n, C] by which spike counts [..., n] are multiplied: since it is linear,
scores can be read at any step from the spikes so far.
"""

from __future__ import annotations

import torch
from torch import Tensor

READOUTS = ("likelihood", "vote")


def readout(counts: Tensor, samples: Tensor, kind: str) -> Tensor:
    """The matrix [n, C] from `counts` [n, C], spikes by neuron and class of the training set.

    `samples` [C] is how many presentations each class had. `vote` is Diehl & Cook's: a neuron has
    the class to which it responds most on average, and a class scores the mean spike count of its
    neurons. `likelihood` is log P(neuron | class) with one spike added to each count (multinomial
    naive Bayes): it also uses what a neuron says about the classes that are not its own.
    """
    return _likelihood(counts) if kind == "likelihood" else _vote(counts, samples)


def _likelihood(counts: Tensor) -> Tensor:
    smoothed = counts + 1
    return (smoothed / smoothed.sum(dim=0)).log()


def _vote(counts: Tensor, samples: Tensor) -> Tensor:
    response, label = (counts / samples.clamp_min(1)).max(dim=1)
    member = torch.nn.functional.one_hot(label, counts.shape[1]).to(counts)
    member[response == 0] = 0  # a neuron that never spiked has no class
    return member / member.sum(dim=0).clamp_min(1)
