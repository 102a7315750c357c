"""The supervision of a layer's STDP: a teacher, a reward, the loss, and how each reaches hidden layers.

Each is a postsynaptic activity that is paired with the presynaptic traces in place of the neurons' own
spikes. None needs a derivative.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIGNALS = ("teacher", "reward", "loss")


def teacher(output: Tensor, targets: Tensor) -> Tensor:
    """A teacher's spikes minus the layer's own, [T, B, C] in {-1, 0, 1}.

    In the teacher's spikes, the neuron of the right class spikes in every step and the others never.
    Inputs before a teacher's spike are potentiated, inputs before an own spike are depressed, until the
    two trains are equal:
    ReSuMe (Ponulak and Kasinski 2010, "Supervised learning in spiking neural networks with
    ReSuMe", Neural Computation 22:467), with its learning window the STDP trace.
    Summed over time, it is the negative gradient of the squared error of the firing rates.
    """
    return nn.functional.one_hot(targets, output.shape[2]).to(output) - output


def reward(output: Tensor, targets: Tensor, exploration: float) -> tuple[Tensor, Tensor]:
    """The choice [B, C], one-hot, and the reward minus its prediction [B], from `output` [T, B, C].

    The choice is the neuron with most spikes, or with probability `exploration` a random one; the
    reward is 1 for the right class, else 0. The firing rate of the chosen neuron is its prediction of
    the reward, and the difference modulates STDP (Fremaux and Gerstner 2016, "Neuromodulated
    spike-timing-dependent plasticity, and theory of three-factor learning rules", Frontiers in Neural
    Circuits 9:85). The class is used for nothing else: after a wrong choice the network does not learn
    which one was right.
    """
    counts = output.sum(dim=0)
    samples, classes = counts.shape
    # Neurons with equal counts are equally likely; argmax alone would always take the first.
    choice = (counts + 0.5 * torch.rand_like(counts)).argmax(dim=1)
    explores = torch.rand(samples, device=output.device) < exploration
    anything = torch.randint(classes, (samples,), device=output.device)
    choice = torch.where(explores, anything, choice)
    chosen = nn.functional.one_hot(choice, classes).to(output)
    predicted = (counts / len(output) * chosen).sum(dim=1)
    return chosen, (choice == targets).to(output) - predicted


def loss(output: Tensor, targets: Tensor) -> Tensor:
    """The layer's own spikes times minus the loss's derivative by each of them, [T, B, C].

    The loss is the squared error of the firing rates, averaged over classes. STDP with this signal takes
    the STDP of a neuron's own spikes for the derivative of its spikes by its weights, and a neuron
    that is silent learns nothing.
    """
    rates = output.mean(dim=0)
    wanted = nn.functional.one_hot(targets, output.shape[2]).to(output)
    steps, _, classes = output.shape
    return output * ((wanted - rates) * (2 / (classes * steps)))


def hidden(
    error: Tensor, feedback: Tensor, spikes: Tensor, homeostasis: float, target_rate: float
) -> Tensor:
    """A hidden layer's own spikes times a third factor, [T, B, n].

    The third factor is the output's signal `error` [T, B, C] through fixed random `feedback` [C, n]
    (Nokland 2016, direct feedback alignment), minus `homeostasis` times the excess of the neuron's
    rate in the batch over `target_rate`. Without the second term, neurons end up spiking always or
    never: unlike a surrogate gradient, the pairing of own spikes is not limited by itself.
    """
    excess = spikes.mean(dim=(0, 1)) - target_rate
    return spikes * (error @ feedback - homeostasis * excess)
