"""What a trial says of its network beside the metrics; the cases that were accused or overlooked."""

from __future__ import annotations

from itertools import count

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.worker.proof.in_use import NOT_PROVED

EVALUATE = """
@hookimpl
def harness_evaluate(model, spikes, record):
    {}
    return Evaluation(scores, layers if record else [])
"""
#: A hidden layer whose threshold nothing reaches.
DEAD = EVALUATE.format(
    "emitted = (model(spikes) > 1e6).float(); scores = emitted.mean(0); "
    "layers = [Layer('hidden', spikes, model.weight, emitted)]"
)
#: Decides by the first output spike, early in the sample.
FIRST_SPIKE = EVALUATE.format(
    "potential = model(spikes).relu().cumsum(0); crossed = (potential >= 0.5).float(); "
    "scores = crossed.cummax(0).values.sum(0) + 0.01 * potential[0]; "
    "layers = [Layer('output', spikes, model.weight, crossed)]"
)
#: Records other layers than it computes.
FAKE = EVALUATE.format(
    "scores = model(spikes).cumsum(0); other = torch.zeros_like(spikes); "
    "other[0, 0, 0] = {}; layers = [Layer('a', other, {}, None)]"
)
NEURON = """
from harness.plugin import ModelNeuron, Neuron

@hookimpl
def harness_neuron(model):
    return {}
"""
FAMILY = """
import dataclasses
plain = [harness_presets]

@hookimpl
def harness_presets():
    return dataclasses.replace(plain[0](), family="some")
"""
ONE = """
@hookimpl
def harness_train_step(model, spikes, targets):
    norm = nn.BatchNorm1d(64)
    return {"loss": norm(spikes.mean(0)).mean()}
"""


def test_an_honest_network_has_nothing_to_tell(run):
    assert run(epochs=3).facts == {"tied_scores": 0, "silent_layers": []}


def test_a_dead_network_is_told_as_that(run):
    found = run(DEAD)
    assert found.facts == {"tied_scores": 1, "silent_layers": ["hidden"]}
    assert found.metrics["activation_sparsity"] == 1


def test_a_network_that_decides_by_its_first_spike_is_not_accused(run):
    assert "hidden" not in run(FIRST_SPIKE, epochs=3).facts["silent_layers"]


@pytest.mark.parametrize(
    ("connection", "reason"),
    [
        ("torch.zeros_like(model.weight)", "layer 'a': its connection is none of the model's"),
        ("model.weight", "layer 'a': its inputs have fewer values other than 0 than what feeds it"),
    ],
)
def test_other_layers_than_were_computed_are_refused(run, connection, reason):
    with pytest.raises(InvalidOutput, match=reason):
        run(FAKE.format(1, connection), epochs=3)


#: A hidden layer that is silent before the last layer; with SKIP, the scores come by another path.
SILENT_PATH = EVALUATE.format(
    "scores = model(spikes).cumsum(0); emitted = torch.zeros(*spikes.shape[:2], 10); "
    "layers = [Layer('hidden', spikes, model.weight, emitted), "
    "Layer('out', emitted, model.weight[:, :10], None)]"
)
SKIP = ("layers = [", "layers = [Layer('skip', spikes, model.weight, None), ")


def test_a_silent_last_layer_is_told_where_another_path_decides_and_refused_where_none_does(run):
    assert run(SILENT_PATH.replace(*SKIP), epochs=3).facts["silent_layers"] == ["hidden"]
    with pytest.raises(InvalidOutput, match="layer 'out' receives nothing for 40 samples"):
        run(SILENT_PATH, epochs=3)


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ("scores[-1].expand_as(scores)", "the scores after step 2 of 4 depend on later inputs"),
        ("scores[-1:]", "scores over time are 1, where the input has 4 steps"),
    ],
)
def test_scores_over_time_are_those_after_each_step(run, scores, reason):
    code = EVALUATE.format(f"scores = model(spikes).cumsum(0); scores = {scores}; layers = []")
    with pytest.raises(InvalidOutput, match=reason):
        run(code, epochs=3)


def test_a_network_that_answers_otherwise_where_it_is_recorded_is_told(run):
    code = EVALUATE.format("scores = model(spikes if record else spikes[:1]).mean(0); layers = []")
    with pytest.raises(
        InvalidOutput, match="scores with `record` are other than without, of 40 of 40"
    ):
        run(code, epochs=3)


@pytest.mark.parametrize(("cores", "facts"), [(2.0, {"train_cores": 2.0}), (1.1, {})])
def test_a_training_on_more_cores_than_threads_is_told(run, monkeypatch, cores, facts):
    monkeypatch.setattr("harness.worker.train.perf_counter", count(0.0).__next__)
    monkeypatch.setattr("harness.worker.train.cpu_seconds", count(0.0, cores).__next__)
    assert run(epochs=3).facts == {"tied_scores": 0, "silent_layers": []} | facts


def test_a_weight_that_no_layer_has_is_told(run):
    code = EVALUATE.format(
        "scores = model(spikes).cumsum(0); "
        "layers = [Layer('half', spikes[..., :32], model.weight[:, :32], None)]"
    )
    told = run(code, epochs=3).facts["unrecorded"]
    assert told == {"names": ["weight"], "share": 0.5}


def test_layers_without_an_operation_do_not_explain_an_accuracy(run):
    """The inputs are currents, which a model may turn into spikes of its own."""
    currents = "\n@hookimpl\ndef harness_encode(inputs):\n    return inputs.flatten(1)[None] / 2\n"
    with pytest.raises(InvalidOutput, match="have no synaptic operation, and"):
        run(FAKE.format(0, "model.weight") + currents, epochs=12)


def test_a_network_that_remembers_is_refused(run):
    code = EVALUATE.format(
        "model.last = getattr(model, 'last', 0) * 0.5 + model(spikes).mean(); "
        "scores = model(spikes).cumsum(0) * model.last; layers = []"
    )
    with pytest.raises(InvalidOutput, match="depends on what was evaluated before"):
        run(code)


#: Answers that change from call to call: by a count, by a generator that the model holds, by numpy's.
CHANGES = {
    "count": "model.calls = getattr(model, 'calls', 0) + 1; noise = (-1.0) ** model.calls",
    "own": "model.draws = getattr(model, 'draws', torch.Generator()); "
    "noise = torch.randn(len(spikes), spikes.shape[1], 10, generator=model.draws)",
    "numpy": "import numpy; "
    "noise = torch.from_numpy(numpy.random.randn(len(spikes), spikes.shape[1], 10)).float()",
}


@pytest.mark.parametrize(("how", "unseeded"), [("count", True), ("own", False), ("numpy", False)])
def test_a_count_of_calls_is_told_from_draws_that_a_seed_brings_back(run, how, unseeded):
    code = EVALUATE.format(f"{CHANGES[how]}; scores = model(spikes).cumsum(0) * noise; layers = []")
    facts = run(code, epochs=3).facts
    assert facts["random_answers"] > 0.1
    assert ("unseeded_answers" in facts) == unseeded


def test_a_last_batch_of_one_sample_is_told_beside_the_plugins_own_error(run):
    with pytest.raises(ValueError, match="more than 1 value per channel") as error:
        run(ONE, batch_size=101)  # 203 samples
    assert error.value.__notes__ == ["the last batch has 1 sample, choose another batch_size"]
    with pytest.raises(ValueError, match="more than 1 value per channel") as error:
        run(ONE, batch_size=1)
    assert not hasattr(error.value, "__notes__")


def test_a_model_says_which_neuron_it_uses(run):
    ignores = NEURON.format("ModelNeuron(Neuron(0.9), lambda currents: (currents > 1).float())")
    told = run(ignores).facts["neuron"]
    assert told.startswith("another neuron: ")
    assert "spikes differ from the equations'" in told
    assert "neuron" not in run(NEURON.format("None")).facts


def test_a_member_of_a_family_has_its_neuron_proved_or_is_told(run):
    told = run(FAMILY).facts["neuron"]
    assert told == NOT_PROVED
    assert told.startswith("another neuron: not proved")


def test_what_is_no_model_neuron_is_refused(run):
    with pytest.raises(InvalidOutput, match="harness_neuron: returned Neuron, wanted ModelNeuron"):
        run(NEURON.format("Neuron(0.9)"))
