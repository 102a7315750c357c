"""The input codes that plugins share."""

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.codes import CODES, encode, is_constant

INPUTS = torch.tensor([[0.0, 0.2, 0.5, 1.0], [1.0, 0.0, 0.9, 0.1]]).reshape(2, 1, 2, 2)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("code", CODES)
def test_a_black_pixel_is_silent_and_the_rest_is_time_major(code):
    found = encode(INPUTS, code, 20, 0.5, draws())
    assert found.shape == (20, 2, 4)
    assert found.dtype == torch.float32
    assert not found[:, 0, 0].any()
    assert found[:, 0, 1:].any(0).all()
    assert is_constant(found) == (code == "rate")


@pytest.mark.parametrize("code", ["rate", "regular", "poisson"])
def test_codes_of_rates_have_the_rates_of_their_inputs(code):
    found = encode(INPUTS, code, 4000, 0.5, draws())
    assert torch.allclose(found.mean(0), INPUTS.flatten(1) * 0.5, atol=0.02)


def test_regular_spikes_come_at_equal_intervals():
    times = encode(torch.tensor([[1.0]]), "regular", 20, 0.25, draws())[:, 0, 0].nonzero()[:, 0]
    assert times.diff().tolist() == [4] * 4


def test_regular_spikes_are_binary_at_the_highest_rate():
    assert (encode(torch.ones(200, 784), "regular", 20, 1.0, draws()) <= 1).all()


def test_latency_is_one_spike_the_brighter_the_earlier():
    found = encode(INPUTS, "latency", 11, 1.0, None)
    assert torch.equal(found.sum(0), (INPUTS.flatten(1) > 0).float())
    assert found[:, 0].argmax(0).tolist() == [0, 8, 5, 0]  # the first is silent
    assert found[:, 1].argmax(0).tolist() == [0, 0, 1, 9]


def test_random_codes_draw_from_the_generator_alone():
    for code in ("regular", "poisson"):
        first, again, other = (encode(INPUTS, code, 9, 0.5, draws(seed)) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)


def test_an_unknown_code_is_named():
    with pytest.raises(ValueError, match="no code 'morse'; there is rate, regular"):
        encode(INPUTS, "morse", 5, 1.0, None)
