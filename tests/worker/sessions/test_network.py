from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.protocol import OpenTiming, TakeRound, TakeValidity
from harness.worker.sessions.network import TimingSession
from harness.worker.train import run_trial

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


@pytest.fixture
def session(hooks, request_for):
    def open_session(code="", changed="", **overrides):
        request = request_for(**overrides)
        accuracy = run_trial(request, hooks(code), lambda _: None).metrics["test_accuracy"]
        opened = OpenTiming(
            trial=request.trial, data=request.data, state=request.state, accuracy=accuracy
        )
        return TimingSession(opened, hooks(code + changed))

    return open_session


def test_a_round_takes_the_calls_or_the_time_whichever_is_more(session):
    found = session()
    assert found.opened().first_call_ms > 0
    few = found.take(TakeRound(what="latency", seconds=1e-9, calls=4))
    assert (few.what, few.batch, len(few.seconds)) == ("latency", 1, 4)
    assert all(0 < seconds < 1 for seconds in few.seconds)
    long = found.take(TakeRound(what="latency", seconds=0.5, calls=1))
    assert len(long.seconds) > 4
    assert sum(long.seconds[:-1]) <= 0.5


def test_each_kind_of_round_has_its_batch_and_its_mode(session):
    import sys

    found = session(COUNTS, batch_size=50)
    assert found.opened().train_batch == 50
    largest = found.opened().inference_batch
    module = sys.modules["harness_file_mine"]
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
    from harness.worker import timing

    assert session().opened().inference_batch == 300
    monkeypatch.setattr(timing, "available_memory", lambda _: 1)
    assert session().opened().inference_batch == 250


def test_a_batch_whose_double_would_take_too_long_is_not_doubled(session):
    slow = """
@hookimpl
def harness_evaluate(model, spikes, record):
    import time
    time.sleep(0.3 if spikes.shape[1] == 250 and not record else 0)
    return Evaluation(model(spikes))
"""
    assert session(slow).opened().inference_batch == 250


def test_a_fresh_round_builds_the_networks_anew(session):
    found = session()
    model = found._model
    found.take(TakeRound(what="train", seconds=0.01, calls=3))
    assert found._model is model
    found.take(TakeRound(what="latency", seconds=1e-9, calls=1, fresh=True))
    assert found._model is not model
    trained = found._trainee.state_dict()
    assert all(torch.equal(trained[n], v) for n, v in found._model.state_dict().items())


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
    with pytest.raises(InvalidOutput, match="the network, loaded again, answer"):
        session(changed=OTHER_WHEN_TIMED.format(condition="not record"))


def test_a_network_that_answers_otherwise_when_timed_is_told(session):
    found = session(OTHER_WHEN_TIMED.format(condition="not record and spikes.shape[1] == 1"))
    found.take(TakeRound(what="latency", seconds=1e-9, calls=60))
    with pytest.raises(InvalidOutput, match=r"the timed calls answer .* when trained"):
        found.validity(TakeValidity(answers_only=True))


def test_a_network_that_skips_its_last_step_is_told(session):
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
    session(two_steps.format(steps=3, read=-1, delay=0)).validity(TakeValidity())
    session(two_steps.format(steps=3, read=0, delay=2)).validity(TakeValidity())
    with pytest.raises(InvalidOutput, match="does not depend on step 3 of 3"):
        session(two_steps.format(steps=3, read=0, delay=0)).validity(TakeValidity())


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
    with pytest.raises(InvalidOutput, match="faster than a new one: it is remembered"):
        session(remembers).validity(TakeValidity())


def test_training_rounds_leave_the_measured_network_alone(session):
    found = session()
    before = {name: value.clone() for name, value in found._model.state_dict().items()}
    found.take(TakeRound(what="train", seconds=0.01, calls=3))
    assert all(torch.equal(before[n], v) for n, v in found._model.state_dict().items())
    changed = found._trainee.state_dict()
    assert not all(torch.equal(before[name], changed[name]) for name in before)


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
