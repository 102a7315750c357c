"""The code of docs/recipes.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from harness.measure.activity import ActivityMeter
from harness.worker.checks import layers as check_layers

PAGE = Path(__file__).parent.parent / "docs/recipes.md"


@pytest.fixture(scope="module")
def recipes():
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        exec(block, names)
    return SimpleNamespace(**names)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def counted(layers, samples):
    check_layers(layers, samples)
    meter = ActivityMeter()
    meter.add(layers, samples)
    return {layer["name"]: layer for layer in meter.layers()}


def test_average_pooling_turns_accumulates_into_multiply_accumulates(recipes):
    images = (torch.rand(5, 2, 1, 8, 8) < 0.5).float()
    layers = counted(recipes.Pooled().layers(images), 2)
    assert layers["convolution"]["synops_ac"] > 0
    assert layers["convolution"]["synops_mac"] == 0
    assert layers["readout"]["synops_mac"] > 0
    assert layers["readout"]["synops_ac"] == 0


def test_a_folded_convolution_does_the_work_of_both(recipes):
    convolution, norm = torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4)
    images = torch.rand(8, 1, 8, 8)
    norm(convolution(images))  # running statistics, and other ones than 0 and 1
    torch.nn.init.uniform_(norm.weight, 0.5, 2)
    torch.nn.init.uniform_(norm.bias)
    norm.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            recipes.folded(convolution, norm)(images), norm(convolution(images))
        )


def test_a_recurrent_connection_counts_the_spikes_of_the_step_before(recipes):
    spikes = (torch.rand(6, 3, 8) < 0.5).float()
    recorded = recipes.Recurrent().layers(spikes)
    layers = counted(recorded, 3)
    earlier = recorded[0].outputs[:-1].sum().item()
    assert layers["hidden recurrent"]["synops_ac"] == pytest.approx(16 * earlier / 3)
    assert "spikes_per_sample" not in layers["hidden recurrent"]


def test_extra_state_comes_back(recipes):
    trained, fresh = recipes.Labelled(), recipes.Labelled()
    trained.seen, trained.classes[0] = 7, 3
    fresh.load_state_dict(trained.state_dict())
    assert (fresh.seen, int(fresh.classes[0])) == (7, 3)


def test_the_first_spike_decides_and_stays(recipes):
    outputs = torch.zeros(4, 1, 3)
    outputs[1, 0, 2] = outputs[2, 0, 0] = outputs[3, 0, 1] = 1
    scores = recipes.first_spike_scores(outputs)
    assert scores[1:].argmax(-1).flatten().tolist() == [2, 2, 2]
    assert scores[0].eq(0).all()


def test_stochastic_scores_differ_and_are_scores(recipes):
    network, spikes = recipes.Bernoulli(), torch.ones(20, 4, 8)
    first, second = network(spikes), network(spikes)
    assert first.shape == (20, 4, 10)
    assert not torch.equal(first, second)
