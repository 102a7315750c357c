from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker.validity import (
    TimedPredictions,
    altered,
    differing,
    last_step_that_counts,
    nothing_is_remembered,
    nothing_was_prepared,
    same_answers,
)


def never():
    raise AssertionError("two evaluations were compared though nothing asked for it")


@pytest.mark.parametrize(
    ("changed", "samples", "fine"),
    [(0, 10, True), (2, 360, True), (3, 360, False), (20, 10_000, True), (21, 10_000, False)],
)
def test_rounding_may_change_a_few_answers_of_a_network_that_is_not_random(changed, samples, fine):
    other = differing(torch.zeros(samples), (torch.arange(samples) < changed).float())
    if fine:
        assert same_answers(other, never, "the copy") == 0
    else:
        with pytest.raises(InvalidOutput) as error:
            same_answers(other, lambda: torch.zeros(samples), "the copy")
        assert str(error.value) == (
            f"the copy answers otherwise than it did after training, on {changed} of {samples} samples"
        )


@pytest.mark.parametrize(("changed", "fine"), [(30, True), (60, True), (130, False)])
def test_random_networks_may_answer_otherwise_as_often_as_they_do_by_chance(changed, fine):
    other, by_chance = ((torch.arange(1000) < number).double() for number in (changed, 40))
    if fine:
        assert same_answers(other, lambda: by_chance, "the copy") == 0.04
    else:
        with pytest.raises(InvalidOutput, match=r"; two evaluations of it differ on 4\.00%"):
            same_answers(other, lambda: by_chance, "the copy")


def test_timed_answers_are_those_of_the_same_samples_each_counted_once():
    timed = TimedPredictions(torch.tensor([0, 1, 2, 3]))
    timed.check(never)  # nothing was timed
    for _ in range(50):
        timed.add(1, torch.tensor([1, 2]))
        timed.add(3, torch.tensor([7]))  # one sample, as often as it comes
    timed.check(never)
    cheat = TimedPredictions(torch.arange(20) % 10)
    cheat.add(0, torch.zeros(20, dtype=torch.int64))
    with pytest.raises(
        InvalidOutput, match=r"the network, when timed, answers .* on 18 of 20 samples"
    ):
        cheat.check(lambda: torch.zeros(20))


def test_random_networks_are_judged_by_the_samples_that_were_timed():
    """Some samples are harder than others: mnist's first thousand are easier than the rest."""
    timed = TimedPredictions(torch.zeros(2000))
    hard = (torch.arange(1000) % 10 == 0).long()
    timed.add(1000, hard)
    timed.check(lambda: torch.cat((torch.zeros(1000), hard)).double())
    with pytest.raises(InvalidOutput, match=r"100 of 1000 samples$"):
        timed.check(lambda: torch.cat((hard, torch.zeros(1000))).double())


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


def test_the_last_step_that_counts_is_told_where_a_later_one_could():
    spikes = torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0))
    assert last_step_that_counts(lambda x: x.sum(0), spikes, 0) is None
    assert last_step_that_counts(lambda x: x[:-2].sum(0), spikes, 2) is None
    assert last_step_that_counts(lambda x: x[:-2].sum(0), spikes, 0) == 3
    assert last_step_that_counts(lambda x: x[0], spikes, 2) == 1
    constant = spikes[:1].expand(5, -1, -1)
    assert last_step_that_counts(lambda x: x[-1], constant, 0) is None
    silent = torch.zeros(5, 4, 3)
    assert last_step_that_counts(lambda x: x.sum(0), silent, 0) is None
    assert last_step_that_counts(lambda x: x[:0].sum(0), spikes[:, :1], 0) is None  # no neighbour


def test_a_network_that_depends_on_no_step_is_told():
    spikes = torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(InvalidOutput, match="the scores depend on no step of 5"):
        last_step_that_counts(lambda x: torch.arange(8.0).view(4, 2), spikes, 0)


def test_a_network_that_says_the_same_of_all_samples_is_not_accused():
    """As one that never spikes: its row says that its scores tie and that its accuracy is at chance."""
    spikes = torch.rand(5, 4, 3, generator=torch.Generator().manual_seed(0))
    for constant in (torch.zeros(4, 2), torch.tensor([0.1, 0.2]).expand(5, 4, 2)):
        assert last_step_that_counts(lambda x, scores=constant: scores, spikes, 0) == 0


def test_an_altered_sample_is_one_that_nobody_has_seen():
    sample = torch.tensor([[[0.0, 0.0], [0.5, 0.5]]])
    found = altered(sample)
    assert found.tolist() == [[[0.0, 0.5], [0.0, 0.5]]]
    assert sample[0, 0, 1] == 0  # the sample itself is as it was
    assert altered(torch.ones(1, 4)) is None
    assert altered(torch.ones(1, 1)) is None


def test_an_answer_that_was_prepared_is_found_by_samples_never_seen():
    with pytest.raises(
        InvalidOutput, match="a test sample takes 96% less time than one never seen"
    ):
        nothing_was_prepared(lambda index, altered: 0.356 if altered else 0.014, 100)


def test_honest_networks_are_not_accused_of_prepared_answers():
    """1000 of them, whose times scatter by half; whoever is called second is a fifth faster."""
    draws = random.Random(0)
    order = []

    def honest(index, altered):
        order.append(altered)
        second = len(order) % 2 == 0
        return draws.lognormvariate(0, 0.5) * (0.8 if second else 1)

    for _ in range(1000):
        assert nothing_was_prepared(honest, 60) > 0


def test_samples_that_cannot_be_altered_tell_nothing():
    assert nothing_was_prepared(lambda index, altered: None if altered else 1.0, 1000) is None
    assert nothing_was_prepared(lambda index, altered: 1.0, 29) is None


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
