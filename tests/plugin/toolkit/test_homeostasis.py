"""Thresholds and the size of weights, each against its definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.homeostasis import Homeostasis, Scale, adapt, normalise


def test_thresholds_follow_the_spikes():
    p = Homeostasis(plus=0.5, target=2.0, decay=0.1)
    thresholds = adapt(torch.tensor([3.0, 2.0, 0.1]), torch.tensor([4, 1, 0]), 3, p)
    expected = [(3.0 + 0.5 * (4 - 2)) * 0.9**3, (2.0 + 0.5 * (1 - 2)) * 0.9**3, 1e-3]
    assert thresholds.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_normalised_weights_have_the_size(order):
    weight = torch.tensor([[0.3, -0.2, 0.4], [1.0, 2.0, 2.0]], dtype=torch.float64)
    scaled = normalise(weight, Scale(0.5, order))
    assert scaled[0, 1] == 0
    assert scaled.pow(order).mean(dim=1).pow(1 / order).tolist() == pytest.approx([0.5, 0.5])
    assert (scaled[1] / weight[1]).tolist() == pytest.approx([float(scaled[1, 0])] * 3)
    assert weight[0, 1] == -0.2
