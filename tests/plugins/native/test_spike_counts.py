"""The network whose output neurons spike: thresholds by layer, resets, and the class that spikes most."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
dfa = pytest.importorskip("harness_native.dfa")

from harness.errors import UsageError
from harness.plugin import Task, Unsupported

from . import tiny
from .literal import literal_spiking_layers

pytestmark = pytest.mark.native


def build(**overrides):
    values = {"output": "spikes", "thresholds": "1.5-0.5", **overrides}
    return tiny.build(dfa, **values).eval()


@pytest.mark.parametrize("resets", [1.0, 2.0])
@pytest.mark.parametrize("code", ["rate", "poisson"])
def test_prediction_counts_the_spikes_of_all_steps(code, resets):
    model = build(code=code, resets=resets, window=3)
    spikes, targets = tiny.batch(dfa, model)
    scores = dfa.harness_evaluate(model, spikes, record=False).scores
    recorded = dfa.harness_evaluate(model, spikes, record=True)
    weights = [w.detach().tolist() for w in model.weights]
    for sample in range(len(targets)):
        x = spikes[:, sample].tolist()
        hidden, output = literal_spiking_layers(x, weights, model.params, [[1.0] * 5])
        for layer, (_, sent, *_) in zip(recorded.layers, (hidden, output)):
            assert layer.outputs[:, sample].tolist() == sent
        counts = torch.tensor(output[1], dtype=torch.float64).cumsum(0)
        assert torch.equal(recorded.scores[:, sample], counts)
        assert torch.equal(scores[sample], counts[-1])
    assert scores.max() > 1
    assert [layer.name for layer in recorded.layers] == ["hidden1", "output"]
    assert recorded.layers[1].inputs is recorded.layers[0].outputs


def test_one_threshold_is_for_all_layers():
    one, each = (build(hidden="5-4", thresholds=given) for given in ("0.7", "0.7-0.7-0.7"))
    spikes, _ = tiny.batch(dfa, one)
    assert torch.equal(*(dfa.harness_evaluate(m, spikes, False).scores for m in (one, each)))


def test_a_leaky_readout_has_no_threshold():
    model = build(output="leaky", thresholds="0.7")
    spikes, _ = tiny.batch(dfa, model)
    same = build(output="leaky", thresholds="1", theta=0.7)
    assert torch.equal(*(dfa.harness_evaluate(m, spikes, False).scores for m in (model, same)))
    with pytest.raises(Unsupported, match="thresholds=1-2 are 2, and 1 layers spike"):
        build(output="leaky", thresholds="1-2")


def test_refuses_thresholds_for_other_layers():
    with pytest.raises(Unsupported, match=r"are 2, and 3 layers spike \(hidden=5-4\)"):
        build(hidden="5-4")


@pytest.mark.parametrize("text", ["0", "1-0.0", "-1", "1e3", "1-", "", "1,2"])
def test_refuses_what_is_no_threshold(text):
    with pytest.raises(UsageError, match="thresholds"):
        dfa.harness_presets().resolve("quick", "any", {"thresholds": text})


def test_samples_that_are_spikes_over_time():
    task = Task("given", "classification", (2, 3), classes=4, train_size=10, steps=20)
    model = dfa.harness_build_model(task, build().params, torch.device("cpu"))
    spikes = (torch.rand(20, 7, 2, 3, generator=torch.Generator().manual_seed(0)) < 0.3).float()
    dfa.harness_train_step(model, spikes, torch.arange(7) % 4)
    assert dfa.harness_evaluate(model.eval(), spikes, True).scores.shape == (20, 7, 4)
