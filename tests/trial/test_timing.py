from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.errors import InvalidOutput
from harness.protocol import OpenTiming, TakeRound
from harness.trial.timing import TimingSession
from harness.trial.train import run_trial

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
        run_trial(request, hooks(code), lambda _: None)
        opened = OpenTiming(trial=request.trial, data=request.data, state=request.state)
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
    assert (found.opened().train_batch, found.opened().inference_batch) == (50, 250)
    module = sys.modules["harness_file_mine"]
    module.trained.clear()
    for what, batch in (("latency", 1), ("inference", 250), ("train", 50)):
        module.answered.clear()
        assert found.take(TakeRound(what=what, seconds=1e-9, calls=1)).batch == batch
        if what == "train":
            assert module.answered == []
        else:
            assert set(module.answered) == {(batch, False, False, False)}
    assert set(module.trained) == {50}


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
