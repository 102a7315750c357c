"""The plugins' optimizers against torch's, and that they avoid the import of torch's compiler."""

from __future__ import annotations

import subprocess
import sys
from copy import deepcopy

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Params, Task
from harness.plugin.toolkit.optimizer import SGD, Adam, adam_or_sgd, cosine_updates, scheduled_adam

TASK = Task("tiny", "classification", (4,), classes=3, train_size=41)


def train_both(make, make_torch):
    """Trains two copies of the same parameters on the same gradients; returns what is to be equal."""
    torch.manual_seed(0)
    start = [torch.randn(5, 3), torch.randn(4)]
    ours = [p.clone().requires_grad_() for p in start]
    theirs = [p.clone().requires_grad_() for p in start]
    optimizer, reference = make(ours), make_torch(theirs)
    for _ in range(25):
        for group in (ours, theirs):
            for p in group:
                p.grad = p.detach().sin()
        reference.param_groups[0]["lr"] = optimizer.lr
        optimizer.step()
        reference.step()
    assert not torch.equal(ours[0], start[0])
    return ours, theirs


@pytest.mark.parametrize("cosine_over", [0, 20])
def test_adam_equals_torch_bit_for_bit(cosine_over):
    ours, theirs = train_both(
        lambda p: Adam(p, 0.01, cosine_over=cosine_over),
        lambda p: torch.optim.Adam(p, lr=0.01, fused=True),
    )
    assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("cosine_over", [0, 20])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_sgd_equals_torch_bit_for_bit(momentum, cosine_over):
    ours, theirs = train_both(
        lambda p: SGD(p, 0.1, momentum=momentum, cosine_over=cosine_over),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=momentum, fused=True),
    )
    assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: Adam(p, 0.01, cosine_over=20),
        lambda p: SGD(p, 0.1, cosine_over=20),
        lambda p: SGD(p, 0.1, momentum=0.5),
    ],
)
@pytest.mark.parametrize("before", [0, 7])
def test_one_that_goes_on_ends_where_one_in_one_go_does(make, before):
    whole = [torch.randn(5, 3), torch.randn(4), torch.randn(2)]
    optimizer = make(whole)

    def update(optimizer, times):
        for _ in range(times):
            for p in optimizer.parameters[:2]:  # the last one never has a gradient
                p.grad = p.sin()
            optimizer.step()

    update(optimizer, before)
    parts = [p.clone() for p in whole]
    other = make(parts)
    other.load_state_dict(deepcopy(optimizer.state_dict()))
    for each in (optimizer, other):
        update(each, 5)
    assert all(map(torch.equal, whole, parts))
    assert other.lr == optimizer.lr


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


def test_the_schedule_lasts_as_long_as_the_training():
    params = Params(lr=0.1, schedule="cosine", epochs=3, batch_size=10)
    assert cosine_updates(TASK, params) == 3 * 5  # the last batch has one sample
    optimizer = scheduled_adam([torch.zeros(2)], TASK, params)
    assert (optimizer.lr, optimizer.cosine_over) == (0.1, 15)
    params.schedule = "constant"
    assert cosine_updates(TASK, params) == 0


def test_the_optimizer_is_the_one_that_is_named():
    values = {"lr": 0.1, "schedule": "cosine", "epochs": 3, "batch_size": 10, "momentum": 0.5}
    assert type(adam_or_sgd([], TASK, Params(optimizer="adam", **values))) is Adam
    sgd = adam_or_sgd([], TASK, Params(optimizer="sgd", **values))
    assert type(sgd) is SGD
    assert (sgd.lr, sgd.momentum, sgd.cosine_over) == (0.1, 0.5, 0)


@pytest.mark.parametrize("kind", [Adam, SGD])
def test_leaves_parameters_without_gradient_alone(kind):
    with_grad, without = torch.ones(2), torch.ones(2)
    with_grad.grad = torch.ones(2)
    kind([with_grad, without], 0.1).step()
    assert with_grad.tolist() != [1, 1]
    assert without.tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["Adam", "SGD"])
def test_imports_no_compiler(kind):
    code = (
        f"import sys, torch; from harness.plugin.toolkit.optimizer import {kind} as kind;"
        "p = torch.ones(2); p.grad = p.clone(); kind([p], 0.1).step();"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
