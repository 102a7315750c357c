"""A trained network that is built anew in another process answers as it did."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file, save_file

from harness.errors import InvalidOutput
from harness.protocol.requests import ReloadTrial
from harness.worker.reload import reload
from harness.worker.train import run_trial


@pytest.fixture
def reloaded(hooks, request_for):
    """Trains with `code`, then loads with `other` (the same where that is None)."""

    def carry_out(code="", other=None, change=lambda request: None, **options):
        request = request_for(**options)
        trained = run_trial(request, hooks(code), lambda _: None)
        change(request)
        again = ReloadTrial(
            **request.model_dump(include=set(ReloadTrial.model_fields) - {"type"}),
            output=trained.raster.get("output", []),
            beginning=trained.beginning,
        )
        stages = []
        found = reload(
            again, hooks(code if other is None else other), lambda p: stages.append(p.stage)
        )
        assert stages == ["reload"]
        return found

    return carry_out


RANDOM = """
@hookimpl
def harness_finish_training(model):
    torch.rand(9)  # draws that are not repeated when it is loaded

@hookimpl
def harness_evaluate(model, spikes, record):
    scores = torch.bernoulli(torch.sigmoid(model(spikes))).cumsum(0)
    return Evaluation(scores, [Layer("readout", spikes, model.weight, None)] if record else [])
"""

#: What the module holds is no state.
GLOBAL = """
scale = torch.ones(10)

@hookimpl
def harness_finish_training(model):
    scale[:] = torch.arange(10) - 5

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes).cumsum(0) * scale)
"""


def test_the_same_network_is_told_as_that(reloaded):
    assert reloaded().facts == {"reload": "same"}


def test_random_networks_may_answer_otherwise_by_chance(reloaded):
    facts = reloaded(RANDOM, epochs=3).facts
    assert facts["reload"] == "same"
    assert 0 < facts["random_answers"] < 1


def test_what_only_the_process_held_is_missed(reloaded):
    with pytest.raises(InvalidOutput) as error:
        reloaded(GLOBAL)
    assert str(error.value).startswith(
        "the network, loaded again in a fresh process, answers otherwise than it did after training, on"
    )


#: Drawn when the model is built: `{}` keeps it, as an attribute or as a buffer.
DRAWN = """
was = [harness_build_model]

@hookimpl
def harness_build_model(task, params, device):
    model, scale = was[0](task, params, device), torch.rand(10)
    {}
    return model

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes).cumsum(0) * model.scale)
"""


def test_what_is_drawn_when_it_is_built_belongs_to_the_state(reloaded):
    """The trial's own seed would bring it back, and no other process has that."""
    with pytest.raises(InvalidOutput, match="the network, loaded again in a fresh process,"):
        reloaded(DRAWN.format("model.scale = scale"))
    assert reloaded(DRAWN.format("model.register_buffer('scale', scale)")).facts == {
        "reload": "same"
    }


def test_scores_that_are_others_are_told_though_the_classes_are_the_same(reloaded):
    """What training left in the module scales all scores alike."""
    code = GLOBAL.replace("torch.arange(10) - 5", "2.5")
    with pytest.raises(InvalidOutput) as error:
        reloaded(code, epochs=3)
    assert str(error.value) == (
        "the network, loaded again in a fresh process, gives other scores than it did after training, on "
        "40 of 40 samples; register what training changes, and what is drawn at building, "
        "as parameters or buffers"
    )


@pytest.mark.parametrize(("epochs", "samples"), [(1, [250]), (130, [250, 50])])
def test_of_a_short_training_one_batch_is_answered_again(reloaded, plugin_module, epochs, samples):
    code = """
answered = []

@hookimpl
def harness_evaluate(model, spikes, record):
    answered.append(spikes.shape[1])
    return Evaluation(model(spikes).cumsum(0))
"""
    reloaded(code, epochs=epochs)  # of 4 updates each
    assert plugin_module().answered == samples


def test_a_network_of_half_precision_is_not_measured_in_single(reloaded):
    half = """
@hookimpl
def harness_finish_training(model):
    model.half()

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes.to(model.weight.dtype)).cumsum(0))
"""
    with pytest.raises(InvalidOutput, match=r"'bias' is float16 .* and float32 .* built again"):
        reloaded(half)


def test_predictions_that_are_not_the_networks_are_found(reloaded):
    def forge(request):
        right = load_file(request.predictions)["predicted"]
        save_file({"predicted": (right + 1) % 10}, request.predictions)

    with pytest.raises(InvalidOutput, match="on 250 of 250 samples"):
        reloaded(change=forge)
