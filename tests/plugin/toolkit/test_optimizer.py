"""The plugins' Adam against torch's, and that it spares the compiler's import."""

from __future__ import annotations

import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from harness.plugin.toolkit.optimizer import Adam


@pytest.mark.parametrize("cosine_over", [0, 20])
def test_equals_torch_bit_for_bit(cosine_over):
    torch.manual_seed(0)
    start = [torch.randn(5, 3), torch.randn(4)]
    ours = [p.clone().requires_grad_() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    mine = Adam(ours, 0.01, cosine_over=cosine_over)
    reference = torch.optim.Adam(theirs, lr=0.01, fused=True)
    for _ in range(25):
        for group in (ours, theirs):
            for p in group:
                p.grad = p.detach().sin()
        reference.param_groups[0]["lr"] = mine.lr
        mine.step()
        reference.step()
    for p, q in zip(ours, theirs):
        assert torch.equal(p, q)
    assert not torch.equal(ours[0], start[0])


def test_cosine_falls_from_peak_to_zero():
    optimizer = Adam([torch.zeros(1)], 0.1, cosine_over=10)
    rates = []
    for _ in range(12):
        rates.append(optimizer.lr)
        optimizer.updates += 1
    assert rates[0] == 0.1
    assert rates[5] == pytest.approx(0.05)
    assert rates == sorted(rates, reverse=True)
    assert rates[10] == rates[11] == pytest.approx(0.0, abs=1e-12)


def test_leaves_parameters_without_gradient_alone():
    with_grad, without = torch.ones(2), torch.ones(2)
    with_grad.grad = torch.ones(2)
    Adam([with_grad, without], 0.1).step()
    assert with_grad.tolist() != [1, 1]
    assert without.tolist() == [1, 1]


def test_imports_no_compiler():
    code = (
        "import sys, torch; from harness.plugin.toolkit.optimizer import Adam; p = torch.ones(2);"
        "p.grad = p.clone(); Adam([p], 0.1).step(); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
