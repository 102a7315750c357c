from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.subjects import PluginLocation
from harness.protocol import (
    Describe,
    Failed,
    Progress,
    RunTrial,
    Samples,
    TakeRound,
    Trained,
    Trial,
    events,
    requests,
)

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)


@given(st.dictionaries(st.text(), VALUES), st.integers(0, 2**63 - 1), st.text(), st.integers(1, 64))
def test_a_trial_crosses_the_pipe_unchanged(overrides, seed, label, threads):
    trial = Trial(
        plugin=PluginLocation("p", file="/a b/p.py"),
        label=label,
        task="digits",
        preset="quick",
        overrides=overrides,
        seed=seed,
        device="cpu",
        threads=threads,
    )
    line = RunTrial(trial=trial, data="d", state="s").model_dump_json()
    found = requests.validate_json(line)
    assert "\n" not in line
    assert found == RunTrial(trial=trial, data="d", state="s")
    kinds = {name: type(value) for name, value in found.trial.overrides.items()}
    assert kinds == {name: type(value) for name, value in overrides.items()}


@pytest.mark.parametrize(
    "event",
    [
        Progress(stage="train", done=1, total=2, epoch=1, epochs=3, scalars={"loss": 0.1}),
        Samples(what="latency", batch=1, seconds=[1e-9, 0.1 + 0.2]),
        Failed(status="oom", reason="two\nlines \u2028 \U0001f4a5", where="train"),
        Trained(
            params={"a": True, "b": 1.0, "c": "x"},
            device="cpu",
            versions={},
            metrics={"accuracy_by_step": [0.1, 0.2]},
            layers=[{"name": "l", "synops_ac": 1.5}],
            history=[{"loss": 1e-300}],
        ),
    ],
)
def test_an_event_crosses_the_pipe_unchanged(event):
    line = event.model_dump_json()
    assert "\n" not in line
    assert events.validate_json(line) == event


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"hello",
        b"{}",
        b'{"type": "other"}',
        b'{"type": "failed", "status": "odd", "reason": ""}',
        b'{"type": "failed", "status": "oom", "reason": "", "extra": 1}',
        b'{"type": "progress"}',
        b"[1, 2]",
        b"\xff\xfe",
    ],
)
def test_anything_else_is_refused(line):
    with pytest.raises(ValidationError):
        events.validate_json(line)


def test_requests_and_events_are_told_apart():
    for request in (
        Describe(plugin=PluginLocation("p", "m")),
        TakeRound(what="train", seconds=1, calls=1),
    ):
        with pytest.raises(ValidationError):
            events.validate_json(request.model_dump_json())


def test_the_key_tells_trials_of_one_run_apart():
    def trial(label, seed):
        return Trial(
            plugin=PluginLocation("p"), label=label, task="t", preset="q", seed=seed, device="cpu"
        )

    keys = {trial(label, seed).key for label in ("p", "p hidden=1") for seed in (0, 1)}
    assert len(keys) == 4
