"""The competition by itself."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
layer = pytest.importorskip("harness_native.stdp_layer")

pytestmark = pytest.mark.native

KEEPS_ALL = layer.Competition(tau=1e9, inhibition=1.0)


def winners(drive, p=KEEPS_ALL):
    return layer.compete(torch.tensor(drive), p).tolist()


def test_currents_are_the_product():
    draws = torch.Generator().manual_seed(0)
    spikes = torch.rand(9, 3, 6, generator=draws).mul(3).floor().double()
    spikes[:3] = 0
    spikes[-1] = 0
    weight = torch.rand(4, 6, generator=draws, dtype=torch.float64)
    torch.testing.assert_close(layer.currents(spikes, weight), spikes @ weight.T)


def test_currents_of_silence_are_zero():
    assert layer.currents(torch.zeros(2, 3, 4), torch.ones(5, 4)).tolist() == [[[0] * 5] * 3] * 2


def test_competition_is_a_plain_loop():
    p = layer.Competition(tau=5.0, inhibition=0.4)
    drive = 0.4 * torch.rand(40, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    found = layer.compete(drive, p)
    for sample in range(3):
        v, expected = [0.0] * 4, []
        for step in drive[:, sample].tolist():
            v = [x - x / p.tau + y for x, y in zip(v, step)]
            best = v.index(max(v)) if max(v) >= 1 else layer.NOBODY
            if best >= 0:
                v = [0.0 if n == best else max(x - 0.4, -0.4) for n, x in enumerate(v)]
            expected.append(best)
        assert found[:, sample].tolist() == expected
        assert len(set(expected)) > 2


def test_the_neuron_furthest_above_its_threshold_wins():
    assert winners([[[1.5, 3.0, 2.0, 0.9]]]) == [[1]]


def test_a_threshold_is_inclusive():
    assert winners([[[0.99, 0.5], [1.0, 0.5]]]) == [[layer.NOBODY, 0]]


def test_a_spike_sets_the_losers_back():
    # The second neuron loses 1 of its 1.2 and misses the threshold, or half and reaches it.
    drive = [[[2.0, 1.2]], [[0.0, 0.7]]]
    assert winners(drive) == [[0], [layer.NOBODY]]
    assert winners(drive, KEEPS_ALL._replace(inhibition=0.5)) == [[0], [1]]


def test_drive_is_left_as_it_was():
    drive = torch.rand(6, 2, 3)
    before = drive.clone()
    layer.compete(drive, KEEPS_ALL)
    assert torch.equal(drive, before)


def test_one_hot_has_a_spike_for_each_winner():
    found = layer.one_hot(torch.tensor([[1, layer.NOBODY]]), 3, torch.float64)
    assert found.dtype == torch.float64
    assert found.tolist() == [[[0, 1, 0], [0, 0, 0]]]
