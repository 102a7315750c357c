"""The units of a whole sequence against their equations, and the gradient against autograd's."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
relu_sequence = pytest.importorskip("harness_native.relu_sequence")

from harness_native.relu_sequence import ReluSequence, ReluUnit, delayed

pytestmark = pytest.mark.native

UNIT = ReluUnit(decay=0.8, theta=1.0, penalty=1.5)


def currents(steps=25, samples=3, units=4):
    draws = torch.Generator().manual_seed(1)
    found = torch.rand(steps, samples, units, dtype=torch.float64, generator=draws)
    return 1.2 * found - 0.1


def literal_unit(inputs, unit):
    """O[t] and U[t] of one unit from a list of currents."""
    state = 0.0
    emissions, states = [], []
    for current in inputs:
        state = unit.decay * state + current
        emission = max(0.0, state - unit.theta)
        if emission > 0:
            state -= unit.penalty / unit.theta * state
        emissions.append(emission)
        states.append(state)
    return emissions, states


def unrolled(inputs, unit):
    """The equations, step by step, left to autograd."""
    state = torch.zeros_like(inputs[0])
    emissions, states = [], []
    for current in inputs.unbind(0):
        state = unit.decay * state + current
        emission = torch.relu(state - unit.theta)
        state = state - unit.penalty / unit.theta * state * (emission > 0)
        emissions.append(emission)
        states.append(state)
    return torch.stack(emissions), torch.stack(states)


def test_units_are_their_equations():
    inputs = currents()
    emissions, states = ReluSequence.apply(inputs, UNIT)
    assert 0.1 < (emissions > 0).double().mean() < 0.9
    for sample in range(3):
        for unit in range(4):
            wanted = literal_unit(inputs[:, sample, unit].tolist(), UNIT)
            assert emissions[:, sample, unit].tolist() == pytest.approx(wanted[0], rel=1e-12)
            assert states[:, sample, unit].tolist() == pytest.approx(wanted[1], rel=1e-12)


def test_an_emission_costs_what_it_should():
    inputs = torch.tensor([2.0, 4.0, 0.0]).reshape(3, 1, 1)
    emissions, states = ReluSequence.apply(inputs, ReluUnit(decay=0.5, theta=2.0, penalty=2.5))
    # 2 is not above the threshold; 5 emits 3 and falls to -5/4.
    assert emissions.flatten().tolist() == [0, 3, 0]
    assert states.flatten().tolist() == [2, -1.25, -0.625]


@pytest.mark.parametrize("read", ["emissions", "states", "both"])
def test_gradient_is_autograds(read):
    ours, theirs = (currents().requires_grad_() for _ in range(2))
    draws = torch.Generator().manual_seed(2)
    weights = torch.randn(2, *ours.shape, dtype=torch.float64, generator=draws)
    if read != "both":
        weights[1 if read == "emissions" else 0] = 0
    for inputs, found in ((ours, ReluSequence.apply(ours, UNIT)), (theirs, unrolled(theirs, UNIT))):
        chosen = {"emissions": [0], "states": [1], "both": [0, 1]}[read]
        sum((found[i] * weights[i]).sum() for i in chosen).backward()
        assert inputs.grad.abs().max() > 0.1
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-12, atol=1e-14)


def test_gradient_is_that_of_finite_differences():
    """Away from the threshold's jump nothing is left out."""
    inputs = currents(steps=8, samples=1, units=2).requires_grad_()
    assert (ReluSequence.apply(inputs, UNIT)[0] > 0).any()
    assert torch.autograd.gradcheck(lambda x: ReluSequence.apply(x, UNIT), (inputs,))


def test_delayed_by_one_step():
    assert delayed(torch.tensor([1.0, 2.0, 3.0]).reshape(3, 1, 1)).flatten().tolist() == [0, 1, 2]
