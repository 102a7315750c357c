"""The label readouts against plain loops."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params
from harness.plugin.toolkit import labels


def test_votes_are_those_of_a_plain_loop():
    draws = torch.Generator().manual_seed(0)
    spikes = torch.randint(0, 4, (30, 6), generator=draws).float()  # [samples, neurons]
    spikes[:, 2] = 0  # a neuron that never spikes
    targets = torch.randint(3, (30,), generator=draws)
    counts = torch.stack([spikes[targets == c].sum(dim=0) for c in range(3)], dim=1)
    matrix = labels.readout(counts, torch.bincount(targets, minlength=3), "vote")

    named = {}
    for neuron in range(6):
        means = []
        for c in range(3):
            of_class = [float(s[neuron]) for s, y in zip(spikes, targets) if y == c]
            means.append(sum(of_class) / len(of_class))
        if max(means) > 0:
            named[neuron] = means.index(max(means))
    assert len(named) == 5
    for sample in spikes:
        for c in range(3):
            votes = [float(sample[neuron]) for neuron in named if named[neuron] == c]
            expected = sum(votes) / len(votes) if votes else 0.0
            assert float(sample @ matrix[:, c]) == pytest.approx(expected, abs=1e-6)


def test_likelihoods_are_those_of_naive_bayes():
    counts = torch.tensor([[8.0, 0.0], [1.0, 3.0]])
    matrix = labels.readout(counts, torch.tensor([5, 5]), "likelihood")
    expected = torch.tensor([[9 / 11, 1 / 5], [2 / 11, 4 / 5]]).log()
    torch.testing.assert_close(matrix, expected)


def batches(count=5, samples=4):
    draws = torch.Generator().manual_seed(3)
    return [
        (
            torch.rand(samples, 1, 2, 3, generator=draws),
            torch.randint(3, (samples,), generator=draws),
        )
        for _ in range(count)
    ]


def test_batches_are_merged_in_order():
    merged = list(labels.merged(batches(), 8))
    assert [len(targets) for _, targets in merged] == [8, 8, 4]
    for place in range(2):
        joined = torch.cat([batch[place] for batch in merged])
        assert torch.equal(joined, torch.cat([batch[place] for batch in batches()]))
    assert [len(targets) for _, targets in labels.merged(batches(), 1)] == [4] * 5


class Layer:
    """As many neurons as inputs, of which the last is silent."""

    def __init__(self, kind):
        self.params = Params(code="regular", steps=9, max_rate=0.8, readout=kind)
        self.readout = torch.zeros(6, 3)

    def spike_counts(self, spikes):
        counts = spikes.sum(dim=0).long()
        counts[:, -1] = 0
        return counts


@pytest.mark.parametrize("kind", labels.READOUTS)
def test_labels_are_those_of_a_plain_count(kind):
    layer, draws = Layer(kind), torch.Generator().manual_seed(4)
    scalars = labels.assign_labels(layer, batches(), draws)
    assert float(scalars["silent_neurons"]) == pytest.approx(1 / 6)

    again, counts, samples = torch.Generator().manual_seed(4), torch.zeros(6, 3), torch.zeros(3)
    for inputs, targets in batches():
        spikes = labels.harness_encode(layer, inputs, again)
        for row, target in zip(layer.spike_counts(spikes), targets.tolist()):
            counts[:, target] += row
            samples[target] += 1
    assert counts.sum() > 0
    assert torch.equal(layer.readout, labels.readout(counts, samples, kind))
