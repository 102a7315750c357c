"""Pair-based STDP of one synapse, by SpikingJelly's learners or by the same sums as matrix products.

A synapse w_ji changes with the presynaptic trace x_i and the postsynaptic trace y_j by

    x_i[t] = d_pre x_i[t-1] + pre_i[t]        y_j[t] = d_post y_j[t-1] + post_j[t]
    dw_ji  = sum_t post_j[t] x_i[t] - depression * pre_i[t] y_j[t]

and -dw is added to the weight's gradient, from which an optimizer makes the update; SpikingJelly's
learners do so with `on_grad`. The rule is linear in the postsynaptic activity, which may therefore be
signed: a teacher's spikes minus the neuron's own give the difference of two STDP updates.

SpikingJelly's own examples multiply by f(w) = clamp(w, -1, 1), which reverses the update of a negative
weight. Signed weights need the additive rule: here f is constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from spikingjelly.activation_based.learning import MSTDPLearner, STDPLearner
from torch import Tensor, nn

IMPLEMENTATIONS = ("learner", "products")


@dataclass(frozen=True)
class Window:
    """The learning window: time constants in steps, and the weight of post-before-pre pairs.

    `implementation` is "learner" for SpikingJelly's class, which builds two tensors [B, out, in] in
    each step, or "products" for one matrix product over T*B: the same update at a fraction of the cost.
    """

    tau_pre: float
    tau_post: float
    depression: float
    implementation: str


def stdp(synapse: nn.Linear, pre: Tensor, post: Tensor, window: Window) -> None:
    """STDP of `pre` [T, B, in] with `post` [T, B, out], averaged over the batch.

    Traces decay by the factor 1 - 1/tau in a step, as in `STDPLearner`.
    """
    if window.implementation == "products":
        decay = 1 - 1 / window.tau_pre, 1 - 1 / window.tau_post
        _accumulate(synapse, _products(pre, post, decay, window.depression))
        return
    neurons = nn.Identity()  # the learner records the output of a module
    learner = STDPLearner("m", synapse, neurons, **_settings(window))
    try:
        synapse(pre)
        neurons(post)
        learner.step(on_grad=True, scale=1 / pre.shape[1])
    finally:
        learner.close()


def mstdp(synapse: nn.Linear, pre: Tensor, post: Tensor, reward: Tensor, window: Window) -> None:
    """STDP as in `stdp`, multiplied by a `reward` [B] for each presentation.

    Florian 2007, "Reinforcement learning through modulation of spike-timing-dependent synaptic
    plasticity", Neural Computation 19:1468 (MSTDP, without an eligibility trace).
    Traces decay by the factor exp(-1/tau) in a step, as in `MSTDPLearner`.
    """
    if window.implementation == "products":
        decay = math.exp(-1 / window.tau_pre), math.exp(-1 / window.tau_post)
        _accumulate(synapse, _products(pre, post * reward.unsqueeze(1), decay, window.depression))
        return
    neurons = nn.Identity()
    learner = MSTDPLearner("s", synapse, neurons, **_settings(window))
    try:
        # The reward acts on the eligibility of the previous step, so a silent step is appended.
        silence = torch.zeros_like(pre[:1]), torch.zeros_like(post[:1])
        for pre_now, post_now in zip(torch.cat([pre, silence[0]]), torch.cat([post, silence[1]])):
            synapse(pre_now)
            neurons(post_now)
            learner.step(reward, on_grad=True, scale=1 / pre.shape[1])
    finally:
        learner.close()


def _settings(window: Window) -> dict[str, object]:
    return {
        "tau_pre": window.tau_pre,
        "tau_post": window.tau_post,
        "f_pre": lambda weight: torch.full_like(weight, window.depression),
        "f_post": torch.ones_like,
    }


def _products(pre: Tensor, post: Tensor, decay: tuple[float, float], depression: float) -> Tensor:
    """The change [out, in], averaged over the batch."""
    change = post.flatten(0, 1).T @ _trace(pre, decay[0]).flatten(0, 1)
    if depression:
        change -= depression * (_trace(post, decay[1]).flatten(0, 1).T @ pre.flatten(0, 1))
    return change / pre.shape[1]


def _trace(activity: Tensor, decay: float) -> Tensor:
    traces = torch.empty_like(activity)
    trace = torch.zeros_like(activity[0])
    for now, kept in zip(activity.unbind(0), traces.unbind(0)):
        trace = torch.add(now, trace, alpha=decay, out=kept)
    return traces


def _accumulate(synapse: nn.Linear, change: Tensor) -> None:
    weight = synapse.weight
    weight.grad = -change if weight.grad is None else weight.grad - change
