from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")
bptt = pytest.importorskip("harness_spikingjelly.bptt")

from harness.plugin import Unsupported
from tests.plugins import textbook

pytestmark = pytest.mark.spikingjelly


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.5, 0.9, 1.0])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "atan", "triangular"])
@pytest.mark.parametrize(("slope", "theta"), [(2.0, 1.0), (3.0, 0.75), (1.0, 1.0)])
def test_the_network_is_the_textbooks(detach, beta, surrogate, slope, theta):
    textbook.check(bptt, detach=detach, beta=beta, surrogate=surrogate, slope=slope, theta=theta)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recurrent_network_is_the_textbooks(detach, adaptive):
    textbook.check(bptt, **textbook.RECURRENT, detach=detach, adaptive=adaptive)


def test_every_surrogate_offered_is_checked_above():
    offered = bptt.harness_presets().parameters["surrogate"].choices
    assert offered == ("fast_sigmoid", "atan", "triangular")


def test_a_surrogate_of_the_right_height_is_spikingjellys_own():
    for name in ("fast_sigmoid", "atan"):
        assert type(bptt.spike_function(name, 2.0)).__module__.startswith("spikingjelly")


def test_no_memory_at_all_is_refused_with_a_reason():
    with pytest.raises(Unsupported, match="tau > 1"):
        textbook.build(bptt, beta=0.0)


def test_batches_do_not_know_of_each_other():
    network = textbook.build(bptt).eval()
    inputs, _ = textbook.batch()
    first = network(inputs)[-1]
    network(inputs[:, :3])
    assert torch.equal(network(inputs)[-1], first)
    assert set(network.state_dict()) == {"weights.0", "weights.1", "weights.2"}


def test_learns_digits(digits):
    assert digits("spikingjelly-bptt", "harness_spikingjelly.bptt", epochs=5) > 0.9
