"""An answer depends on its sample alone; random networks are told from those that remember."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker.repeats import SAMPLES, encoded_alone, independent, unchanged

DRAWS = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(5, 12, generator=DRAWS)
BATCH, OTHERS = torch.rand(2, 3, SAMPLES, 12, generator=DRAWS)


def others():
    return OTHERS


def linear(spikes, seed=0):
    return (spikes @ WEIGHT.T).cumsum(0)


def bernoulli(spikes, seed=0):
    torch.manual_seed(seed)
    return torch.bernoulli(torch.sigmoid(spikes @ WEIGHT.T)).sum(0)


class Leaks:
    """Neurons that are not reset between two calls."""

    def __init__(self):
        self.membrane = torch.zeros(SAMPLES, 5)

    def __call__(self, spikes, seed):
        scores = linear(spikes)[-1]
        self.membrane[: len(scores)] = 0.5 * self.membrane[: len(scores)] + scores
        return self.membrane[: len(scores)].clone()


class OwnDraws:
    """Random neurons with a generator of their own, which the host's seed does not reach."""

    def __init__(self):
        self.draws = torch.Generator().manual_seed(7)

    def __call__(self, spikes, seed):
        rates = torch.sigmoid(spikes @ WEIGHT.T)
        return torch.bernoulli(rates, generator=self.draws).sum(0)


class Entropy(OwnDraws):
    """The same, with another seed each time."""

    def __init__(self):
        super().__init__()
        self.draws.seed()


def normalised(spikes, seed=0):
    """As batch normalisation that was left in training mode."""
    scores = linear(spikes)[-1]
    return (scores - scores.mean(0)) / scores.std(0)


def test_a_network_that_answers_by_its_sample_alone_passes():
    calls = []

    def counted(spikes, seed):
        calls.append(spikes.shape[1])
        return linear(spikes)

    assert independent(counted, None, BATCH, others) == (0, 0)
    assert calls == [40, 20, 20, 40]
    assert independent(linear, None, BATCH[:, :1], lambda: OTHERS[:, :1]) == (0, 0)


def test_a_network_that_answers_as_it_did_is_done_with():
    calls = []

    def counted(spikes, seed):
        calls.append(spikes.shape[1])
        return linear(spikes)

    assert unchanged(counted, BATCH, linear(BATCH)[-1])
    assert calls == [40, 20]  # what every trial pays
    assert unchanged(linear, BATCH[:, :1], linear(BATCH[:, :1])[-1])


@pytest.mark.parametrize("period", [2, 3, 5])
@pytest.mark.parametrize("earlier", range(5))
def test_a_count_of_calls_does_not_pass_however_it_goes_round(period, earlier):
    """`earlier` calls were made since the scores that are compared."""
    calls = [0]

    def counter(spikes, seed):
        calls[0] += 1
        return linear(spikes) * (calls[0] % period + 1)

    before = counter(BATCH, 0)[-1]
    calls[0] += earlier
    assert not unchanged(counter, BATCH, before)


def test_random_answers_and_those_by_the_neighbours_have_changed():
    assert not unchanged(bernoulli, BATCH, bernoulli(BATCH, 7))
    whole = normalised(torch.cat([BATCH, 3 * OTHERS], 1))[:SAMPLES]
    assert not unchanged(normalised, BATCH, whole)


@pytest.mark.parametrize("few", [0, 2])
def test_rounding_is_no_dependence(few):
    """Another order of sums, and a spike more in two samples."""
    calls = []

    def rounds(spikes, seed):
        calls.append(1)
        scores = linear(spikes)[-1] * (1 + 1e-5 * len(calls))
        scores[:few] += len(calls)
        return scores

    assert independent(rounds, None, BATCH, others) == (0, 0)


class Counter:
    """Answers by the number of its earlier calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, spikes, seed):
        self.calls += 1
        return linear(spikes) * (-1) ** self.calls


def test_a_random_network_is_told_as_that_and_not_accused():
    chance = independent(bernoulli, lambda: bernoulli, BATCH, others)
    assert 0.1 < chance.random < 1
    assert chance.unseeded == 0


@pytest.mark.parametrize("network", [OwnDraws, Entropy, Counter])
def test_answers_that_change_though_the_seed_is_the_same_are_told_as_that(network):
    """Draws that the host does not reach cannot be told from a count of calls, nor are they accused."""
    chance = independent(network(), network, BATCH, others)
    assert 0.1 < chance.random <= 1
    assert 0.1 < chance.unseeded <= 1


def test_a_network_that_remembers_is_told_as_that():
    with pytest.raises(InvalidOutput) as error:
        independent(Leaks(), Leaks, BATCH, others)
    assert str(error.value) == (
        "harness_evaluate: the answer depends on what was evaluated before: 40 of 40 samples have other "
        "scores after another batch; each call has to start from rest"
    )


@pytest.mark.parametrize(
    "network", [normalised, lambda x, seed: bernoulli(x, seed) + 9 * normalised(x)]
)
def test_a_network_that_answers_by_its_neighbours_is_told_as_that(network):
    def shifted(spikes, seed):
        """Half of the batch has another mean."""
        return network(spikes, seed)

    batch = BATCH.clone()
    batch[:, :20] = batch[:, :20] * 0.2 + 0.1 * torch.arange(12)
    with pytest.raises(InvalidOutput, match="depends on the other samples of its batch"):
        independent(shifted, lambda: shifted, batch, others)


def test_an_encoding_by_the_whole_batch_is_told():
    def scaled(inputs, seed):
        return (inputs / inputs.max()).expand(4, -1, -1)

    inputs = torch.rand(6, 12)
    inputs[0, 0] = 3
    with pytest.raises(InvalidOutput, match="harness_encode: the encoding of a sample depends on"):
        encoded_alone(scaled, inputs)


def test_encodings_by_the_sample_and_random_ones_pass():
    def random(inputs, seed):
        draws = torch.Generator().manual_seed(seed)
        return torch.bernoulli(inputs.expand(4, -1, -1), generator=draws)

    inputs = torch.rand(6, 12)
    encoded_alone(random, inputs)
    encoded_alone(lambda inputs, seed: inputs.expand(4, -1, -1), inputs)
    encoded_alone(lambda inputs, seed: inputs / inputs.max(), inputs[:1])
