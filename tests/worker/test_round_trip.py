"""A state that does not restore what training changes is told before the first epoch."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.plugin import Params
from harness.worker import round_trip
from harness.worker.round_trip import is_short

#: Weights that no state holds, as in a plain list of layers.
LIST = """
@hookimpl
def harness_build_model(task, params):
    model = nn.Linear(task.inputs, task.classes)
    model.steps, model.hidden = params.steps, [nn.Linear(task.inputs, task.inputs)]
    return model

@hookimpl
def harness_train_step(model, spikes, targets):
    trained.append(len(targets))
    with torch.no_grad():
        model.hidden[0].weight += 0.01 * torch.randn(64, 64)
    return {}

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(model.hidden[0](spikes)).cumsum(0))

trained = []
"""

#: As much, but the answers differ by chance already.
RANDOM = LIST.replace(
    "model(model.hidden[0](spikes))", "torch.rand(len(spikes), spikes.shape[1], 10)"
)

CALIBRATED = """
@hookimpl
def harness_evaluate(model, spikes, record):
    if not hasattr(model, "scale"):
        raise RuntimeError("not calibrated")
    return Evaluation(model(spikes).cumsum(0) * model.scale)

@hookimpl
def harness_build_model(task, params):
    model = Late(task.inputs, task.classes)
    model.steps = params.steps
    return model

class Late(nn.Linear):
    def get_extra_state(self):
        return torch.tensor(getattr(self, "scale", -1.0))
    def set_extra_state(self, state):
        if state >= 0:
            self.scale = float(state)

@hookimpl
def harness_finish_training(model):
    model.scale = 2.0
"""


@pytest.fixture
def always(monkeypatch):
    """Short trainings are tried too."""
    monkeypatch.setattr(round_trip, "SHORT", 0)


@pytest.mark.parametrize(("epochs", "short"), [(124, True), (125, False)])
def test_a_training_of_fewer_than_500_updates_is_short(epochs, short):
    assert is_short(Params(epochs=epochs, batch_size=64), 203) == short


def test_a_short_training_is_not_tried(run, plugin_module):
    """Its end is near: the reload compares the trained network's own scores."""
    assert run(LIST).facts.keys() >= {"tied_scores"}
    assert plugin_module().trained == [64, 64, 64, 11]


def test_what_training_changes_and_no_state_holds_is_told_after_one_step(run, plugin_module):
    stages = []
    with pytest.raises(InvalidOutput) as error:
        run(LIST, epochs=1000, report=lambda progress: stages.append(progress.stage))
    assert str(error.value) == (
        "state_dict: a model that was trained for one step, and one that is built again and loaded with "
        "its state, give different scores; register what training changes, and what is drawn at building, "
        "as parameters or buffers"
    )
    assert stages == ["build", "train", "round trip"]
    assert plugin_module().trained == [64]


def test_random_answers_prove_nothing(run, always):
    assert run(RANDOM).facts["random_answers"] > 0.5


def test_a_model_that_cannot_be_evaluated_before_it_is_finished_is_not_accused(run, always):
    assert run(CALIBRATED).scalars == {}


def test_the_trial_is_the_one_that_it_would_be_without(run, always):
    """The model that is thrown away leaves no trace, though its training draws."""
    code = """
@hookimpl
def harness_train_step(model, spikes, targets):
    with torch.no_grad():
        model.weight += torch.rand(10, 64)
        return {"first": float(model.weight[0, 0])}
"""
    torch.manual_seed(0)
    weight = torch.nn.Linear(64, 10).weight.detach()
    first = float(weight[0, 0] + torch.rand(10, 64)[0, 0])
    found = run(code, batch_size=9999)
    assert found.history == [{"first": pytest.approx(first)}]
