from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker.validity import (
    TimedPredictions,
    every_step_counts,
    nothing_is_remembered,
    same_accuracy,
)


@pytest.mark.parametrize(
    ("ours", "theirs", "samples", "random", "fine"),
    [
        (0.98, 0.98, 1000, False, True),
        (0.98, 0.9795, 10_000, False, True),  # rounding
        (0.98, 0.978, 10_000, False, False),
        (359 / 360, 1.0, 360, False, True),  # one sample of few
        (358 / 360, 1.0, 360, False, False),
        (0.97, 0.98, 1000, True, True),  # other draws
        (0.90, 0.98, 1000, True, False),
    ],
)
def test_accuracies_agree_but_for_rounding_and_chance(ours, theirs, samples, random, fine):
    def compare():
        same_accuracy(ours, theirs, samples, random=random, what="it")

    if fine:
        compare()
    else:
        with pytest.raises(InvalidOutput, match="it predict"):
            compare()


def test_timed_predictions_are_held_against_untimed_ones_for_the_same_samples():
    targets = torch.arange(40) % 4
    untimed = torch.ones(40, dtype=torch.bool)
    untimed[:20] = False  # the hard half
    hard = TimedPredictions(untimed)
    hard.add(0, targets[:20] + 1, targets[:20])
    hard.check(random=False)  # as wrong as it always was
    easy = TimedPredictions(untimed)
    easy.add(20, targets[20:] + 1, targets[20:])
    with pytest.raises(
        InvalidOutput, match=r"0\.00% of 20 samples correctly, but 100\.00% when trained"
    ):
        easy.check(random=False)
    TimedPredictions(untimed).check(random=False)  # nothing was timed


def test_too_few_samples_cannot_tell_whether_predictions_are_remembered():
    assert nothing_is_remembered(lambda _: 1e-6, 1) is None
    assert nothing_is_remembered(lambda _: 1e-6, 0) is None


def test_noise_is_no_memory():
    draws = random.Random(0)
    assert nothing_is_remembered(lambda _: draws.choice([1.0, 5.0]), 50) > 0
    seen = set()

    def remembers(index):
        known = index in seen
        seen.add(index)
        return draws.uniform(0.5, 0.8) if known else draws.uniform(0.9, 1.2)

    with pytest.raises(InvalidOutput, match="it is remembered"):
        nothing_is_remembered(remembers, 50)


def test_the_last_step_that_can_count_must():
    spikes = torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0))
    every_step_counts(lambda x: x.sum(0), spikes, 0)
    every_step_counts(lambda x: x[:-2].sum(0), spikes, 2)
    with pytest.raises(InvalidOutput, match="do not depend on step 5 of 5"):
        every_step_counts(lambda x: x[:-2].sum(0), spikes, 0)
    constant = spikes[:1].expand(5, -1, -1)
    every_step_counts(lambda x: x[-1], constant, 0)
    silent = torch.zeros(5, 4, 3)
    every_step_counts(lambda x: x.sum(0), silent, 0)
    every_step_counts(lambda x: x[:0].sum(0), spikes[:, :1], 0)  # one sample has no neighbour


def test_thirty_pairs_will_do_where_few_repeated_inputs_are_faster():
    calls = []
    assert nothing_is_remembered(lambda index: calls.append(index) or 1.0, 1000) == 1.0
    assert calls == [index for index in range(30) for _ in range(2)]


def test_what_is_remembered_now_and_then_is_found_though_slowly():
    seen = set()

    def remembers(index):
        """Two of three repeated inputs take half the time."""
        repeated = index in seen
        seen.add(index)
        return 0.5 if repeated and index % 3 else 1.0

    with pytest.raises(InvalidOutput, match="it is remembered"):
        nothing_is_remembered(remembers, 10_000)
