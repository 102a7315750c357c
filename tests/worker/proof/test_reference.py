"""The equations themselves, worked out by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Neuron
from harness.worker.proof.reference import dynamics


def column(*values):
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)


@pytest.mark.parametrize(
    ("neuron", "membranes", "spikes"),
    [
        # 1 is the threshold; 0.5 * 0.5 + 0.75 = 1 meets it exactly.
        (Neuron(0.5), [0.5, 1.0, 2.0, 0.5], [0, 1, 1, 0]),
        (Neuron(0.5, compare=">"), [0.5, 1.0, 2.5, 0.75], [0, 0, 1, 0]),
        (Neuron(0.5, reset="zero"), [0.5, 1.0, 2.0, 0.0], [0, 1, 1, 0]),
        (Neuron(1.0), [0.5, 1.25, 2.25, 1.25], [0, 1, 1, 1]),
        (Neuron(1.0, theta=2.0), [0.5, 1.25, 3.25, 1.25], [0, 0, 1, 0]),
    ],
)
def test_membranes_and_spikes_are_those_of_the_equations(neuron, membranes, spikes):
    found = dynamics(column(0.5, 0.75, 2.0, 0.0), neuron)
    assert found.membranes.flatten().tolist() == membranes
    assert found.spikes.flatten().tolist() == spikes


def test_beta_is_the_float32_number_that_frameworks_compute_with():
    found = dynamics(column(0.5, 0.0), Neuron(0.9))
    assert found.membranes[1].item() == 0.5 * torch.tensor(0.9).double().item()


@pytest.mark.parametrize(
    ("surrogate", "slope", "at_quarter"),
    [
        ("fast_sigmoid", 2.0, 1 / 1.5**2),
        ("atan", 2.0, 1 / (1 + (torch.pi / 4) ** 2)),
        ("triangular", 2.0, 0.5),
        ("triangular", 8.0, 0.0),
    ],
)
def test_the_surrogates_values(surrogate, slope, at_quarter):
    for current in (0.75, 1.25):
        currents = column(current).requires_grad_()
        dynamics(currents, Neuron(0.5, surrogate=surrogate, slope=slope)).spikes.sum().backward()
        assert currents.grad.item() == pytest.approx(at_quarter, rel=1e-12)


@pytest.mark.parametrize(("detach", "through_reset"), [(True, 0.0), (False, -0.5)])
def test_the_gradient_flows_through_the_reset_unless_detached(detach, through_reset):
    """With U1 = 1.25, U2 = 0.5 (U1 - S1) + 0.5: dS2/dI1 = s'(U2) (0.5 - 0.5 s'(U1)) attached."""
    currents = column(1.25, 0.5).requires_grad_()
    spikes = dynamics(currents, Neuron(0.5, detach=detach)).spikes
    spikes[1].sum().backward()
    first, second = 1 / 1.25**2, 1 / 1.375**2
    assert currents.grad[0].item() == pytest.approx(second * (0.5 + through_reset * first))
