from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sinabs")
bptt = pytest.importorskip("harness_sinabs.bptt")

from tests.plugins import textbook

pytestmark = pytest.mark.sinabs


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("surrogate", ["fast_sigmoid", "atan", "triangular"])
@pytest.mark.parametrize(("slope", "theta"), [(2.0, 1.0), (3.0, 0.75)])
def test_the_network_is_the_textbooks(detach, beta, surrogate, slope, theta):
    textbook.check(bptt, detach=detach, beta=beta, surrogate=surrogate, slope=slope, theta=theta)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recurrent_network_is_the_textbooks(detach, adaptive):
    textbook.check(bptt, **textbook.RECURRENT, detach=detach, adaptive=adaptive)


def test_its_state_holds_weights_alone():
    network = textbook.build(bptt)
    network(textbook.batch()[0])
    assert {name.partition(".")[0] for name in network.state_dict()} == {"weights"}


def test_learns_digits(digits):
    assert digits("sinabs-bptt", "harness_sinabs.bptt", epochs=2) > 0.8
