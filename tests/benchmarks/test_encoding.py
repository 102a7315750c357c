"""What an encoding costs, beside the draw of a float for every input and step that it replaced."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.codes import encode

STEPS, BATCH, INPUTS, RATE = 25, 128, 784, 0.25


@pytest.fixture
def images():
    """Images of which a fifth is ink, as mnist's."""
    torch.set_num_threads(1)
    draws = torch.Generator().manual_seed(0)
    ink = torch.rand(BATCH, INPUTS, generator=draws) < 0.19
    return torch.rand(BATCH, INPUTS, generator=draws) * ink


@pytest.mark.parametrize("code", ["poisson", "regular"])
def test_encoding(benchmark, images, code):
    draws = torch.Generator().manual_seed(0)
    spikes = benchmark(encode, images, code, STEPS, RATE, draws)
    assert spikes.shape == (STEPS, BATCH, INPUTS)


def test_a_float_for_every_input_and_step(benchmark, images):
    """The former `poisson`: the figure that the others are read against."""
    draws = torch.Generator().manual_seed(0)
    rates = images * RATE

    def former():
        uniform = torch.rand((STEPS, *rates.shape), generator=draws)
        return (uniform < rates).to(rates.dtype)

    assert benchmark(former).shape == (STEPS, BATCH, INPUTS)
