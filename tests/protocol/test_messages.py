from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.plugin import Reported, Source
from harness.plugin.contract import Neuron, Task
from harness.protocol.events import (
    Described,
    Failed,
    Measured,
    Opened,
    Prepared,
    Progress,
    Proved,
    Samples,
    Sweep,
    SweepPoint,
    Swept,
    TasksDescribed,
    Trained,
    events,
)
from harness.protocol.requests import (
    Describe,
    DescribeTasks,
    MeasurePeaks,
    OpenLayer,
    OpenNetwork,
    OpenProbe,
    Prepare,
    ProveLayer,
    RunTrial,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
    WarmUp,
    requests,
)
from harness.subjects import LayerRow, LayerSize, PluginLocation, Row, TaskLocation, Trial

VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)

PLUGIN = PluginLocation("p", file="/a b/p.py")
ROW = Row(plugin="p", framework="f", task="digits", preset="quick", params={"hidden": 5})
SOURCE = Source(
    title="t",
    authors="a",
    year=2022,
    departures=["d"],
    mended=["m"],
    reported={"mnist": [Reported(0.1 + 0.2, "table 1", {"hidden": 32})]},
)
TRIAL = Trial(row=ROW, seed=3)
LAYER = LayerRow(
    plugin="p",
    framework="f",
    neuron=Neuron(0.9, detach=False),
    size=LayerSize(neurons=8, steps=9, batch=2, density=0.1),
)


def kinds(values):
    return {name: type(value) for name, value in values.items()}


@given(st.dictionaries(st.text(), VALUES), st.integers(0, 2**63 - 1), st.text(), st.integers(1, 64))
def test_a_trial_crosses_the_pipe_unchanged(params, seed, name, threads):
    row = Row(
        plugin=name, framework="f", task="digits", preset="quick", params=params, threads=threads
    )
    trial = Trial(row=row, seed=seed)
    request = RunTrial(plugin=PLUGIN, trial=trial, data="d", state="s", predictions="p")
    line = request.model_dump_json()
    found = requests.validate_json(line)
    assert "\n" not in line
    assert found == request
    assert kinds(found.trial.row.params) == kinds(params)
    assert found.trial.key == trial.key


TASK = TaskLocation(place=PLUGIN, name="t", options={"steps": "5"}, digest="d")

REQUESTS = [
    Describe(plugin=PLUGIN),
    Prepare(task=TASK, data=["a", "b"], cache="c"),
    DescribeTasks(task=TASK, data=["a"], cache="c"),
    RunTrial(plugin=PLUGIN, trial=TRIAL, data="d", state="s", predictions="p"),
    OpenNetwork(plugin=PLUGIN, trial=TRIAL, data="d", state="s", predictions="p"),
    OpenLayer(plugin=PLUGIN, row=LAYER, to_follow=3),
    OpenProbe(device="cpu", threads=2),
    WarmUp(whats=["latency", "train"], batches={"train": 7}),
    TakeRound(what="train", seconds=0.1 + 0.2, calls=1, fresh=True, batch=7),
    TakeValidity(predictions_only=True),
    TakeMemory(),
    TakeEnergy(seconds=1e-9),
    TakeSweep(seconds=0.5),
    MeasurePeaks(device="cuda", threads=4),
    ProveLayer(plugin=PLUGIN, neuron=Neuron(0.5), device="cpu", threads=1),
]

EVENTS = [
    Progress(stage="train", done=1, total=2, epoch=1, epochs=3, scalars={"loss": 0.1}),
    Described(
        parameters={"a": {"default": True, "help": "two\nlines"}},
        values={"quick": {"*": {"a": 1.0}}},
        sources={"source": SOURCE},
    ),
    Prepared(
        path="/a b", facts={"train": 5}, task=Task("t", "classification", (1, 2), 3, 4, 5, 0.5)
    ),
    TasksDescribed(tasks=[{"name": "t", "places": []}]),
    Trained(
        versions={"torch": "2"},
        metrics={"accuracy_by_step": [0.1, 0.2]},
        scalars={"threshold": 1e-300},
        absent={"synops_ac": "no layer"},
        layers=[{"name": "l", "synops_ac": 1.5}],
        history=[{"loss": 1e-300}],
        raster={"input": [[1, 2], []]},
    ),
    Opened(first_call_ms=0.1, batches={"latency": 1}, facts={"nonzero": 5, "unlike": ""}),
    Samples(batch=1, series={"latency": [1e-9, 0.1 + 0.2]}),
    Measured(metrics={"a": 0.1}, absent={"b": "no counter"}, facts={"c": "d", "e": 0.5}),
    Swept(
        sweeps={"train": Sweep(points=(SweepPoint(batch=1, ms=0.1, rate=1e4),), ended="flat")},
        metrics={"latency_host_ms": 0.5},
        absent={"inference_plateau": "one batch size only"},
    ),
    Proved(reason="x", metrics={"spikes_compared": 9, "weight_gradient_error": 1e-9}),
    Failed(status="oom", reason="two\nlines \u2028 \U0001f4a5", where="train"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "pipe"),
    [
        pytest.param(message, pipe, id=message.type)
        for pipe, messages in ((requests, REQUESTS), (events, EVENTS))
        for message in messages
    ],
)
def test_a_message_crosses_the_pipe_unchanged(message, pipe):
    line = message.model_dump_json()
    assert "\n" not in line
    assert pipe.validate_json(line) == message


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


@pytest.mark.parametrize("request_", REQUESTS)
def test_no_request_is_an_event(request_):
    with pytest.raises(ValidationError):
        events.validate_json(request_.model_dump_json())


@pytest.mark.parametrize("event", EVENTS)
def test_no_event_is_a_request(event):
    with pytest.raises(ValidationError):
        requests.validate_json(event.model_dump_json())


HOSTILE = "\x1b[31mred\n\ud800\u202e"


def test_no_text_of_an_event_reaches_a_terminal_raw():
    failed = Failed(status="failed", reason=HOSTILE, where=HOSTILE)
    assert failed.reason.isprintable()
    assert failed.where.isprintable()
    trained = Trained(
        versions={}, metrics={}, scalars={HOSTILE: 1.0}, absent={HOSTILE: HOSTILE},
        layers=[{"name": HOSTILE}], history=[{HOSTILE: 1.0}],
    )  # fmt: skip
    line = trained.model_dump_json()
    assert line.isprintable()
    assert events.validate_json(line) == trained


def test_a_call_that_took_no_time_is_no_event():
    for seconds in ([0.0], [-1.0], [float("nan")], [float("inf")], []):
        with pytest.raises(ValidationError):
            Samples(batch=1, series={"latency": seconds})
    with pytest.raises(ValidationError):
        Samples(batch=1, series={})


def test_what_a_round_took_beside_its_calls_is_no_less_than_nothing():
    for seconds in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            Samples(batch=1, series={"latency": [1.0]}, aside=seconds)
