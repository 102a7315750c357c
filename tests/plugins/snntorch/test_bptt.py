from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
snntorch = pytest.importorskip("snntorch")
bptt = pytest.importorskip("harness_snntorch.bptt")

from tests.plugins import textbook

pytestmark = pytest.mark.snntorch


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "atan"])
@pytest.mark.parametrize(("slope", "theta"), [(2.0, 1.0), (3.0, 0.75)])
def test_the_network_is_the_textbooks(detach, beta, surrogate, slope, theta):
    textbook.check(bptt, detach=detach, beta=beta, surrogate=surrogate, slope=slope, theta=theta)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recurrent_network_is_the_textbooks(detach, adaptive):
    textbook.check(bptt, **textbook.RECURRENT, detach=detach, adaptive=adaptive)


def test_every_surrogate_offered_is_checked_above():
    assert bptt.harness_presets().parameters["surrogate"].choices == ("fast_sigmoid", "atan")


def test_nothing_is_left_behind():
    before = len(snntorch.SpikingNeuron.instances)
    network = textbook.build(bptt)
    empty = {name: value.shape for name, value in network.named_buffers()}
    network(textbook.batch()[0])
    assert {name: value.shape for name, value in network.named_buffers()} == empty
    assert len(snntorch.SpikingNeuron.instances) == before


def test_learns_digits(digits):
    assert digits("snntorch-bptt", "harness_snntorch.bptt", epochs=5) > 0.9
