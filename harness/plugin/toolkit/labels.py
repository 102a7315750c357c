"""Classes from the spikes of a layer that was trained without labels.

After training, the labelled training data tell how often each neuron spikes for each class. From this
follows a readout matrix [n, C], by which spike counts [..., n] are multiplied. The readout is linear,
so scores can be computed at any step from the spikes so far.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Generator, Tensor

from harness.plugin import Params, Scalars
from harness.plugin.toolkit.codes import harness_encode
from harness.plugin.toolkit.training import Batches

READOUTS = ("likelihood", "vote")


class Unlabelled(Protocol):
    """A trained layer of n neurons, whose buffer `readout` [n, C] is to be filled.

    `params` name the encoding and the kind of `readout`.
    """

    params: Params
    readout: Tensor

    def spike_counts(self, spikes: Tensor) -> Tensor:
        """How often each neuron spikes for each sample, [B, n], for input `spikes` [T, B, n_in]."""


def assign_labels(
    model: Unlabelled, batches: Batches, generator: Generator, at_once: int = 1
) -> Scalars:
    """`harness_finish_training`: fills `model.readout`; `silent_neurons` is a fraction.

    Batches are merged until they have `at_once` samples or more: those of training may be small.
    """
    counts = torch.zeros_like(model.readout)
    samples = counts.new_zeros(counts.shape[1])
    for inputs, targets in merged(batches, at_once):
        spikes = harness_encode(model, inputs, generator)
        classes = torch.nn.functional.one_hot(targets, counts.shape[1]).to(counts)
        counts += model.spike_counts(spikes).to(counts).T @ classes
        samples += classes.sum(dim=0)
    model.readout.copy_(readout(counts, samples, model.params.readout))
    return {"silent_neurons": int((counts.sum(dim=1) == 0).sum()) / len(counts)}


def merged(batches: Batches, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same samples in batches of at least `size`, except for the last."""
    held: list[tuple[Tensor, Tensor]] = []
    for batch in batches:
        held.append(batch)
        if sum(len(targets) for _, targets in held) >= size:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(held: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    inputs, targets = zip(*held, strict=True)
    return torch.cat(inputs), torch.cat(targets)


def readout(counts: Tensor, samples: Tensor, kind: str) -> Tensor:
    """The matrix [n, C] from `counts` [n, C], spikes by neuron and class of the training set.

    `samples` [C] is the number of presentations of each class. With `vote` (Diehl and Cook 2015) a
    neuron has the class to which it responds most on average, and a class scores the mean spike count
    of its neurons. With `likelihood` the matrix is log P(neuron | class), one spike added to each count
    (multinomial naive Bayes), which also uses a neuron's response to the other classes.
    """
    if kind == "likelihood":
        smoothed = counts + 1
        return (smoothed / smoothed.sum(dim=0)).log()
    response, label = (counts / samples.clamp_min(1)).max(dim=1)
    member = torch.nn.functional.one_hot(label, counts.shape[1]).to(counts)
    member[response == 0] = 0  # a neuron that never spiked has no class
    return member / member.sum(dim=0).clamp_min(1)
