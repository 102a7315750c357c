"""The matrix products against SpikingJelly's learners, and the rule against autograd."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly")
rule = pytest.importorskip("harness_spikingjelly.supervised_rule")

from harness_spikingjelly import supervised_signals as signals

pytestmark = pytest.mark.spikingjelly


def activity(seed=0, dtype=torch.float32):
    """Input spikes [T, B, in] and signed postsynaptic activity [T, B, out]."""
    draws = torch.Generator().manual_seed(seed)
    pre = (torch.rand(12, 6, 9, generator=draws) < 0.3).to(dtype)
    return pre, torch.randn(12, 6, 5, generator=draws).to(dtype)


def gradient(update, *args, start=None, **values):
    settings = {"tau_pre": 3.0, "tau_post": 5.0, "depression": 0.4, **values}
    synapse = torch.nn.Linear(9, 5, bias=False, dtype=args[0].dtype).requires_grad_(False)
    synapse.weight.grad = start
    update(synapse, *args, rule.Window(**settings))
    assert not synapse._forward_pre_hooks
    return synapse.weight.grad


@pytest.mark.parametrize("depression", [0.0, 0.4])
@pytest.mark.parametrize("tau_pre, tau_post", [(1.0, 1.0), (3.0, 5.0)])
@pytest.mark.parametrize("rewarded", [False, True])
def test_products_are_spikingjellys_learner(rewarded, tau_pre, tau_post, depression):
    args = activity()
    if rewarded:
        args += (torch.linspace(-1, 1, 6),)
    update = rule.mstdp if rewarded else rule.stdp
    values = {"tau_pre": tau_pre, "tau_post": tau_post, "depression": depression}
    wanted = gradient(update, *args, implementation="learner", **values)
    found = gradient(update, *args, implementation="products", **values)
    assert wanted.abs().max() > 0.1
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("implementation", rule.IMPLEMENTATIONS)
def test_updates_are_added_to_the_gradient_there_is(implementation):
    args = activity()
    alone = gradient(rule.stdp, *args, implementation=implementation)
    added = gradient(rule.stdp, *args, start=torch.full((5, 9), 2.0), implementation=implementation)
    torch.testing.assert_close(added, alone + 2)


def test_a_reward_of_one_is_stdp():
    # With the time constants that give both learners' traces the same decay.
    pre, post = activity(dtype=torch.float64)
    decay = torch.tensor(-1 / 3.0, dtype=torch.float64).exp().item()
    stdp = gradient(
        rule.stdp, pre, post, tau_pre=1 / (1 - decay), depression=0.0, implementation="products"
    )
    reward = torch.ones(6, dtype=torch.float64)
    mstdp = gradient(rule.mstdp, pre, post, reward, depression=0.0, implementation="learner")
    torch.testing.assert_close(stdp, mstdp)


def test_under_a_teacher_it_is_the_gradient_of_linear_rates_squared_error():
    """For neurons whose activity is the traced input times the weights, dw = -d loss / dw."""
    pre, _ = activity(dtype=torch.float64)
    targets = torch.tensor([0, 1, 2, 3, 4, 0])
    weight = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    trace, traces = torch.zeros(6, 9, dtype=torch.float64), []
    for now in pre:
        trace = trace * (1 - 1 / 3.0) + now
        traces.append(trace)
    output = torch.stack(traces) @ weight.T
    wanted = torch.nn.functional.one_hot(targets, 5).to(output)
    (0.5 * (wanted - output).pow(2).sum() / 6).backward()
    error = signals.teacher(output.detach(), targets)
    for implementation in rule.IMPLEMENTATIONS:
        found = gradient(rule.stdp, pre, error, depression=0.0, implementation=implementation)
        torch.testing.assert_close(found, weight.grad)


def test_ties_are_broken_evenly_and_exploration_reaches_every_neuron():
    torch.manual_seed(0)
    output, targets = torch.zeros(4, 3000, 3), torch.zeros(3000, dtype=torch.int64)
    chosen, _ = signals.reward(output, targets, exploration=0.0)
    assert (chosen.mean(dim=0) - 1 / 3).abs().max() < 0.05
    output[:, :, 2] = 1
    chosen, surprise = signals.reward(output, targets, exploration=0.3)
    assert (chosen.mean(dim=0) - torch.tensor([0.1, 0.1, 0.8])).abs().max() < 0.03
    # Neuron 2 promised a reward that it did not get; neuron 0 got one that it had not promised.
    assert (surprise[chosen[:, 2] == 1] == -1).all()
    assert (surprise[chosen[:, 0] == 1] == 1).all()
    assert (surprise[chosen[:, 1] == 1] == 0).all()
