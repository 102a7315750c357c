"""Scores over time are those that a network has after each step."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker import steps

SPIKES = torch.rand(8, 40, 10, generator=torch.Generator().manual_seed(0))


def test_the_steps_of_the_input_are_those_of_the_scores():
    for scores in (torch.zeros(8, 40, 10), torch.zeros(40, 10)):
        steps.one_for_each(scores, SPIKES)
    steps.one_for_each(torch.zeros(20, 40, 10), SPIKES[:1])
    with pytest.raises(InvalidOutput, match="scores over time are 20, where the input has 8 steps"):
        steps.one_for_each(torch.zeros(20, 40, 10), SPIKES)


def accumulate(spikes):
    return spikes.cumsum(0)


def over_all(spikes):
    return spikes.cumsum(0) / spikes.sum((0, 2), keepdim=True)


def test_scores_that_come_from_what_was_before_pass():
    steps.causal(accumulate, SPIKES, accumulate(SPIKES))
    steps.causal(lambda spikes: spikes.sum(0), SPIKES, SPIKES.sum(0))
    steps.causal(over_all, SPIKES[:1], over_all(SPIKES[:1]))
    constant = SPIKES[:1].expand(8, -1, -1)
    steps.causal(accumulate, constant, accumulate(constant))


def test_scores_that_come_from_what_comes_later_are_told():
    with pytest.raises(InvalidOutput, match="after step 4 of 8 depend on later inputs"):
        steps.causal(over_all, SPIKES, over_all(SPIKES))
