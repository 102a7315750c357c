from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.protocol.requests import TakeRound, TakeValidity
from harness.worker.sessions import batches, network

COUNTS = """
trained, answered = [], []

@hookimpl
def harness_train_step(model, spikes, targets):
    trained.append(len(targets))
    return {"loss": 0.0}

@hookimpl
def harness_evaluate(model, spikes, record):
    answered.append((spikes.shape[1], record, torch.is_grad_enabled(), model.training))
    return Evaluation(model(spikes))
"""


def test_a_round_has_the_seconds_of_each_call(session):
    found = session()
    assert found.opened().first_call_ms > 0
    for what in ("latency", "inference", "train"):
        samples = found.take(TakeRound(what=what, seconds=1e-9, calls=4))
        assert samples.series.keys() == {what}
        assert samples.batch == found.opened().batches[what]
        assert len(samples.series[what]) == 4
        assert all(0 < seconds < 60 for seconds in samples.series[what])


def test_each_kind_of_round_has_its_batch_and_its_mode(session, plugin_module):
    found = session(COUNTS, batch_size=50)
    opened = found.opened().batches
    assert (opened["latency"], opened["train"]) == (1, 50)
    largest = opened["inference"]
    module = plugin_module()
    module.trained.clear()
    for what, batch in (("latency", 1), ("inference", largest), ("train", 50)):
        module.answered.clear()
        assert found.take(TakeRound(what=what, seconds=1e-9, calls=1)).batch == batch
        if what == "train":
            assert module.answered == []
        else:
            assert set(module.answered) == {(batch, False, False, False)}
    assert set(module.trained) == {50}


def test_the_batch_is_the_whole_split_where_it_fits_and_is_quick(session, monkeypatch):
    # A machine that is busy with something else can make even this network slow.
    monkeypatch.setattr(network, "timed", lambda call, device: (1e-3, call()))
    assert session().opened().batches["inference"] == 300
    monkeypatch.setattr(batches, "available_memory", lambda _: 1)
    assert session().opened().batches["inference"] == 250


def test_a_batch_whose_double_would_take_too_long_is_not_doubled(session):
    slow = """
@hookimpl
def harness_evaluate(model, spikes, record):
    import time
    time.sleep(0.3 if spikes.shape[1] == 250 and not record else 0)
    return Evaluation(model(spikes))
"""
    assert session(slow).opened().batches["inference"] == 250


def test_the_coordinator_may_choose_a_smaller_batch_for_inference(session):
    found = session()
    taken = [
        found.take(TakeRound(what=what, seconds=1e-9, calls=1, batch=7)).batch
        for what in ("latency", "inference", "train")
    ]
    assert taken == [1, 7, 64]


KEEPS_ITS_MODELS = """
built = []

@hookimpl
def harness_build_model(task, params, device):
    model = nn.Linear(task.inputs, task.classes).to(device)
    model.steps = params.steps
    built.append(model)
    return model
"""


def copies(models):
    return [{name: value.clone() for name, value in m.state_dict().items()} for m in models]


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_fresh_round_builds_the_networks_anew(session, plugin_module):
    found = session(KEEPS_ITS_MODELS)
    built = plugin_module().built
    before = len(built)
    found.take(TakeRound(what="train", seconds=0.01, calls=3))
    assert len(built) == before
    (trained,) = copies(built[-1:])
    found.take(TakeRound(what="latency", seconds=1e-9, calls=1, fresh=True))
    assert len(built) == before + 2
    measured, trainee = copies(built[-2:])
    assert equal(measured, trainee)
    assert not equal(trained, trainee)


def test_training_rounds_leave_the_measured_network_alone(session, plugin_module):
    found = session(KEEPS_ITS_MODELS)
    models = plugin_module().built[-2:]
    before = copies(models)
    found.take(TakeRound(what="train", seconds=0.01, calls=3))
    after = copies(models)
    assert equal(before[0], after[0])
    assert not equal(before[1], after[1])


def test_nothing_of_a_timed_call_stays_in_memory_for_the_next(session, plugin_module):
    """What stays lies where the next call would find its memory, whose pages then are new ones."""
    opened = session("""
import gc
tensors = []

@hookimpl
def harness_evaluate(model, spikes, record):
    tensors.append(sum(type(each) is torch.Tensor for each in gc.get_objects()))
    return Evaluation(model(spikes))
""")
    module = plugin_module()
    for what in ("latency", "inference"):
        module.tensors.clear()
        opened.take(TakeRound(what=what, seconds=1e-9, calls=9))
        assert len(set(module.tensors[-8:])) == 1


def test_an_honest_network_passes_its_checks(session):
    found = session()
    for what in ("latency", "inference"):
        found.take(TakeRound(what=what, seconds=0.02, calls=3))
    assert found.validity(TakeValidity()).metrics["repeated_input_ratio"] >= 0.9


OTHER_WHEN_TIMED = """
@hookimpl
def harness_evaluate(model, spikes, record):
    import sys
    scores = model(spikes)
    if {condition}:
        scores = -scores
    return Evaluation(scores)
"""


def test_a_network_that_answers_otherwise_when_loaded_again_is_told(session):
    with pytest.raises(InvalidOutput, match="the network, loaded again, answers otherwise"):
        session(epochs=5, changed=OTHER_WHEN_TIMED.format(condition="not record"))


def test_a_network_that_answers_otherwise_when_timed_is_told(session):
    alone = OTHER_WHEN_TIMED.format(condition="not record and spikes.shape[1] == 1")
    found = session(alone, epochs=5)
    found.take(TakeRound(what="latency", seconds=1e-9, calls=60))
    with pytest.raises(InvalidOutput, match="the network, when timed, answers otherwise"):
        found.validity(TakeValidity(predictions_only=True))


def test_a_network_that_decides_before_its_last_step_says_when(session):
    two_steps = """
@hookimpl
def harness_encode(model, inputs):
    return inputs.flatten(1).expand({steps}, -1, -1)

@hookimpl
def harness_train_step(model, spikes, targets):
    return {{"loss": 0.0}}

@hookimpl
def harness_evaluate(model, spikes, record):
    return Evaluation(model(spikes[{read}]), delay={delay})
"""
    for read, delay, facts in [
        (-1, 0, {}),
        (0, 2, {}),
        (0, 0, {"last_step_that_counts": 1, "steps": 3}),
    ]:
        found = session(two_steps.format(steps=3, read=read, delay=delay))
        assert found.validity(TakeValidity()).facts == facts


def test_timed_trainings_that_change_nothing_are_told(session):
    for code, facts in ((COUNTS, {"idle_training": 1}), ("", {})):
        found = session(code)
        assert found.validity(TakeValidity()).facts == {}
        for what in ("train", "latency"):
            found.take(TakeRound(what=what, seconds=1e-9, calls=2, fresh=True))
        assert found.validity(TakeValidity()).facts == facts


def test_a_network_that_remembers_its_answers_is_told(session):
    remembers = """
answers = {}

@hookimpl
def harness_encode(model, inputs):
    return inputs.flatten(1)[None]

@hookimpl
def harness_evaluate(model, spikes, record):
    import time
    key = spikes.numpy().tobytes()
    if key not in answers:
        time.sleep(0.002 if spikes.shape[1] == 1 else 0)
        answers[key] = model(spikes)
    return Evaluation(answers[key])
"""
    with pytest.raises(InvalidOutput, match="less time than a new one: it is remembered"):
        session(remembers).validity(TakeValidity())


def test_a_training_batch_larger_than_the_data_is_all_of_them(session):
    found = session(batch_size=10_000)
    assert found.take(TakeRound(what="train", seconds=1e-9, calls=1)).batch == 203


def test_memory_is_that_of_one_batch_above_the_model(session):
    metrics = session().memory().metrics
    assert metrics.keys() == {"peak_memory_bytes", "train_peak_memory_bytes"}
    assert all(0 <= value < 2**30 for value in metrics.values())


def test_a_state_that_does_not_fit_the_model_built_anew_is_told(session):
    changed = """
@hookimpl
def harness_build_model(task, params, device):
    return nn.Linear(task.inputs, task.classes + 1)
"""
    with pytest.raises(InvalidOutput, match="state_dict: does not load again"):
        session(changed=changed)
