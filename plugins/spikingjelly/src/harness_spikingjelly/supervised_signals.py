"""What tells a layer's STDP the class: a teacher, a reward, and how either reaches hidden layers.

Each is the postsynaptic activity that is paired with the presynaptic traces in place of the
neurons' own spikes. None of it needs a derivative.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIGNALS = ("teacher", "reward")


def teacher(output: Tensor, targets: Tensor) -> Tensor:
    """A teacher's spikes minus the layer's own, [T, B, C] in {-1, 0, 1}.

    The teacher fires the neuron of the class in every step and no other. Inputs before a teacher's
    spike are potentiated and inputs before an own spike depressed, until the two trains are equal:
    ReSuMe (Ponulak and Kasinski 2010, "Supervised learning in spiking neural networks with
    ReSuMe", Neural Computation 22:467), with its learning window the STDP trace.
    Summed over time it is minus the gradient of the squared error of firing rates by the output.
    """
    return nn.functional.one_hot(targets, output.shape[2]).to(output) - output


def reward(output: Tensor, targets: Tensor, exploration: float) -> tuple[Tensor, Tensor]:
    """The choice made, [B, C] one-hot, and how much better its reward was than predicted, [B].

    The neuron with most spikes is chosen, or any with probability `exploration`, and fires for as
    long as the reward lasts: 1 for the right class, else 0. A neuron's own rate is its prediction
    of the reward, and the difference is what modulates STDP (Fremaux and Gerstner 2016,
    "Neuromodulated spike-timing-dependent plasticity, and theory of three-factor learning rules",
    Frontiers in Neural Circuits 9:85). The class is used for nothing else: after a wrong
    choice the network is not told which one was right.
    """
    counts = output.sum(dim=0)
    samples, classes = counts.shape
    # Neurons that tie are equally likely; the first of them would otherwise get every trial.
    choice = (counts + 0.5 * torch.rand_like(counts)).argmax(dim=1)
    explores = torch.rand(samples, device=output.device) < exploration
    anything = torch.randint(classes, (samples,), device=output.device)
    choice = torch.where(explores, anything, choice)
    chosen = nn.functional.one_hot(choice, classes).to(output)
    predicted = (counts / len(output) * chosen).sum(dim=1)
    return chosen, (choice == targets).to(output) - predicted


def hidden(
    error: Tensor, feedback: Tensor, spikes: Tensor, homeostasis: float, target_rate: float
) -> Tensor:
    """A hidden layer's own spikes times a third factor, [T, B, n].

    The third factor is the output's signal `error` [T, B, C] through fixed random `feedback` [C, n]
    (Nokland 2016, direct feedback alignment), less `homeostasis` times by how much the neuron's
    rate in the batch exceeds `target_rate`. The second term keeps neurons from firing always
    or never: pairing own spikes, unlike a surrogate derivative, does not stop by itself.
    """
    excess = spikes.mean(dim=(0, 1)) - target_rate
    return spikes * (error @ feedback - homeostasis * excess)
