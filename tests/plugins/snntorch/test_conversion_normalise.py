from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("snntorch")

from harness_snntorch.network import ConvertibleNet
from harness_snntorch.normalise import layer_scales, thresholds

pytestmark = pytest.mark.snntorch


@pytest.fixture
def net() -> ConvertibleNet:
    torch.manual_seed(0)
    return ConvertibleNet((6, 11, 5, 3)).eval()


@pytest.fixture
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Unequal ones: the last is nearly always short."""
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.rand(size, 6, generator=generator), torch.zeros(size).long()) for size in (40, 40, 7)
    ]


def activations(net: ConvertibleNet, batches) -> list[np.ndarray]:
    """Of each hidden layer, of all samples at once."""
    x, found = torch.cat([inputs for inputs, _ in batches]), []
    with torch.no_grad():
        for weight in list(net.weights)[:-1]:
            x = (x @ weight.T).clamp(min=0)
            found.append(x.numpy())
    return found


@pytest.mark.parametrize("percentile", [100, 99.9, 97.3, 60])
@torch.no_grad()
def test_percentile(net, batches, percentile):
    expected = [
        np.percentile(values, percentile, method="inverted_cdf")
        for values in activations(net, batches)
    ]
    found = layer_scales(net, "percentile", percentile, batches)
    assert found == pytest.approx(expected, rel=1e-6)


@torch.no_grad()
def test_data(net, batches):
    expected = [float(values.max()) for values in activations(net, batches)]
    assert layer_scales(net, "data", 50, batches) == pytest.approx(expected, rel=1e-6)
    net.weights[1][0, 0] = 1000
    net.weights[0][0] = 0
    # The unit below it is silent, so no activation shows the weight; the algorithm counts it.
    assert layer_scales(net, "data", 50, batches)[1] == 1000


@torch.no_grad()
def test_model(net):
    product, expected = 1.0, []
    for weight in list(net.weights)[:-1]:
        product *= max(sum(w for w in row if w > 0) for row in weight.tolist())
        expected.append(product)
    assert layer_scales(net, "model", 50, []) == pytest.approx(expected)


def test_none(net):
    assert layer_scales(net, "none", 50, []) == [1.0, 1.0]


def test_thresholds_undo_the_scale_below():
    assert thresholds([4.0, 2.0, 6.0], 0.5) == [2.0, 0.25, 1.5]
    assert math.prod(thresholds([4.0, 2.0, 6.0], 1.0)) == 6.0
