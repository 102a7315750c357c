import numpy as np
import pytest

from harness.metrics import robustness
from harness.plugin import Evidence, Unsupported

torch = pytest.importorskip("torch")


@pytest.fixture
def draws():
    return torch.Generator().manual_seed(0)


def test_gaussian_noise_has_the_stated_standard_deviation(draws):
    inputs = torch.full((50, 1, 20, 20), 0.5)
    noise = robustness.gaussian(inputs, 0.1, draws) - inputs
    assert noise.std().item() == pytest.approx(0.1, rel=0.02)
    assert noise.mean().item() == pytest.approx(0, abs=0.003)


def test_salt_and_pepper_replaces_the_stated_share_with_as_many_ones_as_zeros(draws):
    inputs = torch.full((50, 1, 20, 20), 0.5)
    changed = robustness.salt_and_pepper(inputs, 0.3, draws)
    assert (changed == 0).float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (changed == 1).float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (inputs == 0.5).all()


def test_lost_spikes_are_gone_and_none_comes_about(draws):
    spikes = (torch.rand(10, 50, 40, generator=draws) < 0.3).float()
    changed = robustness.lost(spikes, 0.4, draws)
    assert (changed <= spikes).all()
    assert (changed.sum() / spikes.sum()).item() == pytest.approx(0.6, abs=0.03)


def test_jittered_spikes_stay_at_their_input_and_within_the_sample(draws):
    spikes = torch.zeros(21, 400, 5)
    spikes[10] = 1
    changed = robustness.jittered(spikes, 2.0, draws)
    assert torch.equal(changed.sum(0), spikes.sum(0))
    steps = changed.nonzero()[:, 0].float() - 10
    assert steps.std().item() == pytest.approx((4 + 1 / 12) ** 0.5, rel=0.08)  # rounding adds 1/12
    spikes = torch.zeros(3, 100, 5)
    spikes[0] = 1
    assert torch.equal(robustness.jittered(spikes, 9.0, draws).sum(0), spikes.sum(0))


@pytest.mark.parametrize("change", [robustness.lost, robustness.jittered])
def test_currents_and_a_single_step_hold_no_spikes_over_time(change, draws):
    for values in (torch.full((4, 2, 3), 0.5), torch.ones(1, 2, 3)):
        with pytest.raises(Unsupported, match="currents, not spikes over time"):
            change(values, 1.0, draws)


def test_the_area_is_the_mean_accuracy_over_strengths_by_trapezoids():
    labels = np.zeros(4, int)
    changed = {"mine": {1.0: np.array([0, 0, 1, 1]), 4.0: np.array([0, 1, 1, 1])}}
    evidence = Evidence(labels, labels, labels[None], np.zeros((4, 2)), 2, changed=changed)
    assert evidence.curve("mine") == {0.0: 1.0, 1.0: 0.5, 4.0: 0.25}
    assert robustness.area(evidence, "mine") == pytest.approx((0.75 + 3 * 0.375) / 4)


def test_every_change_has_one_metric():
    metrics = robustness.harness_metrics()
    assert [metric.changes for metric in metrics] == [(change,) for change in robustness.CHANGES]
    assert all(f"{change.strengths[-1]:g})" in m.meaning for m in metrics for change in m.changes)
