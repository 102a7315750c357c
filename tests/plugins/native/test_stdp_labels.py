"""The label readouts against plain loops."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
labels = pytest.importorskip("harness_native.stdp_labels")

pytestmark = pytest.mark.native


def test_votes_are_those_of_a_plain_loop():
    draws = torch.Generator().manual_seed(0)
    spikes = torch.randint(0, 4, (30, 6), generator=draws).float()  # [samples, neurons]
    spikes[:, 2] = 0  # a neuron that is never heard
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
