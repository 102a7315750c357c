from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("norse")
bptt = pytest.importorskip("harness_norse.bptt")

from harness.plugin import Unsupported
from tests.plugins import textbook

pytestmark = pytest.mark.norse


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.75])
@pytest.mark.parametrize(("slope", "theta"), [(2.0, 1.0), (1.0, 1.0), (1.0, 0.5)])
def test_the_network_is_the_textbooks(detach, beta, slope, theta):
    """With 1 - beta and slope / theta powers of 2: Norse multiplies currents by both."""
    textbook.check(bptt, detach=detach, beta=beta, slope=slope, theta=theta)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize("adaptive", [0.0, 0.5])
def test_the_recurrent_network_is_the_textbooks(detach, adaptive):
    textbook.check(bptt, **textbook.RECURRENT, detach=detach, adaptive=adaptive)


def test_without_a_leak_it_is_refused():
    with pytest.raises(Unsupported, match="beta = 1"):
        textbook.build(bptt, beta=1.0)


def test_learns_digits(digits):
    assert digits("norse-bptt", "harness_norse.bptt", epochs=3) > 0.85
