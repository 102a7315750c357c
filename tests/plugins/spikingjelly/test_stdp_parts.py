"""The competition of the STDP plugin by itself."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
pytest.importorskip("harness_spikingjelly.stdp")

from harness_spikingjelly.network import WinnerTakeAll

pytestmark = pytest.mark.spikingjelly


def competition(currents, **values):
    return WinnerTakeAll(
        currents.shape[-1], **{"tau": 1e9, "threshold": 1.0, "inhibition": 1.0, **values}
    )(currents)


def test_at_most_one_neuron_spikes_a_step():
    currents = torch.rand(50, 3, 7, generator=torch.Generator().manual_seed(0))
    spikes = competition(currents)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    assert spikes.sum(dim=2).max() == 1


def test_the_neuron_furthest_above_its_threshold_wins():
    spikes = competition(torch.tensor([[[1.5, 3.0, 2.0, 0.9]]]))
    assert spikes.tolist() == [[[0, 1, 0, 0]]]


def test_nobody_below_threshold_spikes():
    assert competition(torch.full((1, 2, 3), 0.99)).sum() == 0


def test_a_spike_sets_the_losers_back():
    # The second neuron loses 1 of its 0.9 and 1.2 of charge, and then misses the threshold.
    currents = torch.tensor([[[2.0, 1.2]], [[0.0, 0.7]]])
    assert competition(currents).squeeze(1).tolist() == [[1, 0], [0, 0]]
    assert competition(currents, inhibition=0.5).squeeze(1).tolist() == [[1, 0], [0, 1]]


def test_thresholds_are_each_neurons_own():
    layer = WinnerTakeAll(2, tau=1e9, threshold=1.0, inhibition=1.0)
    layer.threshold.copy_(torch.tensor([3.0, 1.0]))
    assert layer(torch.tensor([[[2.5, 1.5]]])).tolist() == [[[0, 1]]]
