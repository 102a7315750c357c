"""A worker's requests and answers, in this process; real processes are tested with the coordinator."""

from __future__ import annotations

import errno
import io
import os
import re
import sys

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file

from harness.catalogue.tasks import find_task
from harness.errors import DataMissing, InvalidOutput, UsageError
from harness.plugin import Neuron, Unsupported
from harness.protocol.events import (
    Described,
    Failed,
    Measured,
    Opened,
    Prepared,
    Progress,
    Proved,
    Samples,
    Swept,
    Trained,
    events,
)
from harness.protocol.requests import (
    Describe,
    MeasurePeaks,
    OpenLayer,
    OpenNetwork,
    OpenProbe,
    Prepare,
    ProveLayer,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
    WarmUp,
)
from harness.subjects import LayerRow, LayerSize, PluginLocation
from harness.worker.server import Server, failure

PROBE = OpenProbe(device="cpu")
NEURON = Neuron(0.5)
SIZE = LayerSize(neurons=8, steps=4, batch=2, density=0.5)


class Pipe(io.StringIO):
    """What a server writes, read as events."""

    def read_events(self):
        found = [events.validate_json(line) for line in self.getvalue().splitlines()]
        self.seek(0)
        self.truncate()
        return found


@pytest.fixture
def ask():
    """Asks one server, the same in every call; returns its answer, the progress before it left out."""
    torch.set_num_threads(1)
    pipe = Pipe()
    server = Server(pipe)

    def answer(request):
        server.serve(request)
        *progress, last = pipe.read_events()
        assert all(isinstance(event, Progress) for event in progress)
        answer.stages = [event.stage for event in progress]
        return last

    return answer


@pytest.fixture
def located(plugin_file):
    def locate(code="", base="softmax"):
        return PluginLocation("mine", file=str(plugin_file("mine", code, base=base)))

    return locate


@pytest.fixture
def layer(located):
    row = LayerRow(plugin="mine", framework="none", neuron=NEURON, size=SIZE)
    return OpenLayer(plugin=located(base="literal_layer"), row=row)


# --- answers --------------------------------------------------------------------------------------


def test_a_plugin_is_described(ask, located):
    event = ask(Describe(plugin=located()))
    assert isinstance(event, Described)
    assert event.parameters["steps"]["default"] == 4
    assert event.values == {"quick": {"*": {}}}
    assert event.sources == {}
    assert ask.stages == ["import"]


def test_data_are_prepared_once_and_found_again(ask, tmp_path):
    request = Prepare(task=find_task("digits").location, data=[], cache=str(tmp_path))
    first, second = ask(request), ask(request)
    assert isinstance(first, Prepared)
    assert (first.path, first.labels) == (second.path, second.labels)
    assert "test_targets" in load_file(first.labels)
    assert (
        ask(Prepare(task=find_task("spike-train").location, data=[], cache=str(tmp_path))).labels
        == ""
    )
    assert first.facts == second.facts


def test_a_trial_is_trained_then_opened_and_measured(ask, located, request_for):
    request = request_for(epochs=2).model_copy(update={"plugin": located()})
    assert isinstance(ask(request), Trained)
    assert ask.stages[:2] == ["import", "build"]
    opening = OpenNetwork(**request.model_dump(include=set(OpenNetwork.model_fields) - {"type"}))
    assert isinstance(ask(opening), Opened)
    assert isinstance(ask(TakeRound(what="latency", seconds=0, calls=2)), Samples)
    assert ask.stages == ["timing", "timed"]
    assert isinstance(ask(TakeSweep(seconds=0.1)), Swept)
    warm_up = WarmUp(whats=["latency", "inference", "train"], batches={"inference": 7})
    for passes in (TakeMemory(), warm_up, TakeValidity(), TakeEnergy(seconds=0.1)):
        assert isinstance(ask(passes), Measured)


def test_a_layer_is_proved_then_opened_and_measured_with_one_import(ask, layer):
    proof = ProveLayer(plugin=layer.plugin, neuron=NEURON, device="cpu", threads=1)
    event = ask(proof)
    assert isinstance(event, Proved)
    assert event.reason == ""
    assert ask.stages == ["import"]
    assert isinstance(ask(layer), Opened)
    assert ask.stages == []
    assert isinstance(ask(TakeRound(what="layer", seconds=0, calls=1)), Samples)


def test_peaks_are_measured_beside_whatever_is_open(ask):
    assert isinstance(ask(PROBE), Opened)
    peaks = ask(MeasurePeaks(device="cpu", threads=1))
    assert {"peak_flops", "peak_bandwidth"} <= peaks.metrics.keys()
    assert peaks.facts["float32_matmul"] == "highest"
    assert isinstance(ask(TakeRound(what="probe", seconds=0, calls=1)), Samples)


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        WarmUp(whats=["latency"]),
        TakeRound(what="latency", seconds=0, calls=1),
        TakeValidity(),
        TakeMemory(),
        TakeEnergy(seconds=1),
    ],
)
def test_nothing_is_measured_before_anything_is_opened(ask, request_):
    event = ask(request_)
    assert (event.status, event.where) == ("failed", "start")
    told = f"RuntimeError: {request_.type} was asked for before anything was opened"
    assert event.reason == told


def test_what_fails_to_open_leaves_nothing_open(ask, located, layer):
    assert isinstance(ask(PROBE), Opened)
    wrong = layer.model_copy(update={"plugin": located("x = 1", base="")})
    assert ask(wrong).status == "invalid"
    event = ask(TakeRound(what="probe", seconds=0, calls=1))
    assert "before anything was opened" in event.reason


def test_after_every_answer_a_gpu_has_back_what_torch_keeps_of_it(ask, layer, located, monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    for request in (PROBE, TakeRound(what="probe", seconds=0, calls=1), layer, TakeMemory()):
        emptied.clear()
        ask(request)
        assert emptied
    emptied.clear()
    assert ask(Describe(plugin=located("raise ValueError"))).status == "failed"
    assert emptied


def test_a_gpu_that_fails_hides_no_reason(ask, located, monkeypatch):
    def fails():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", fails)
    assert ask(Describe(plugin=located("raise ValueError('this')"))).reason.startswith(
        "ValueError: this"
    )
    assert "illegal memory access" in ask(PROBE).reason


def test_a_server_goes_on_after_a_failure(ask, located):
    assert ask(Describe(plugin=located("raise ValueError"))).status == "failed"
    assert isinstance(ask(Describe(plugin=located())), Described)


@pytest.mark.parametrize(
    ("code", "status", "where"),
    [
        ("raise ValueError", "failed", "import"),
        ("HARNESS_CONTRACT = '9.0'", "invalid", "import"),
        ("@hookimpl\ndef harness_build_model(): raise ValueError", "failed", "harness_build_model"),
        ("@hookimpl\ndef harness_encode(): raise MemoryError", "oom", "harness_encode"),
        ("@hookimpl\ndef harness_encode(): return 5", "invalid", "harness_encode"),
        ("@hookimpl\ndef harness_train_step(): exit(3)", "crashed", "harness_train_step"),
        ("@hookimpl\ndef harness_train_step(): return 5", "invalid", "harness_train_step"),
        ("@hookimpl\ndef harness_finish_training(): 1 / 0", "failed", "harness_finish_training"),
        ("@hookimpl\ndef harness_evaluate(): raise KeyError", "failed", "harness_evaluate"),
    ],
)
def test_a_failure_says_where_it_happened(ask, located, request_for, code, status, where):
    event = ask(request_for().model_copy(update={"plugin": located(code)}))
    assert isinstance(event, Failed)
    assert (event.status, event.where) == (status, where)


def test_a_failure_of_the_host_itself_is_told_with_the_stage(ask, located, request_for):
    """After a hook has returned, it is not to blame."""
    request = request_for().model_copy(update={"plugin": located(), "state": "/proc/nowhere/x"})
    assert ask(request).where == "save"


def test_a_log_that_takes_no_more_hides_no_reason(ask, located, monkeypatch):
    class Full(io.StringIO):
        def write(self, _text):
            raise FULL

    monkeypatch.setattr(sys, "stderr", Full())
    event = ask(Describe(plugin=located("raise ValueError('the reason')")))
    assert event.status == "failed"
    assert re.fullmatch(r"ValueError: the reason \(mine\.py:\d+\)", event.reason)


def test_a_failure_of_a_layer_is_told_with_its_hook(ask, located):
    code = "class Layer(Layer):\n    def forward(self, inputs): raise ValueError('inside')\n"
    location = located(code, base="literal_layer")
    event = ask(ProveLayer(plugin=location, neuron=NEURON, device="cpu", threads=1))
    assert re.fullmatch(r"ValueError: inside \(\w+\.py:\d+\)", event.reason)
    assert event.where == "harness_layer"


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class OutOfMemoryError(RuntimeError):
    """As torch calls that of CUDA."""


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("two\nlines"), "failed", "ValueError: two\nlines"),
        (ValueError(), "failed", "ValueError: no message"),
        (KeyboardInterrupt(), "failed", "KeyboardInterrupt: no message"),
        (Unsupported("only images"), "skipped", "only images"),
        (InvalidOutput("not finite"), "invalid", "not finite"),
        (UsageError("unknown task"), "failed", "unknown task"),
        (DataMissing("place them by hand"), "failed", "place them by hand"),
        (MemoryError(), "oom", "MemoryError: no message"),
        (OutOfMemoryError("CUDA"), "oom", "OutOfMemoryError: CUDA"),
        (RuntimeError("can't allocate memory: 5"), "oom", "RuntimeError: can't allocate memory: 5"),
        (
            RuntimeError("CUDA error: out of memory\nSearch for it in https:"),
            "oom",
            "RuntimeError: CUDA error: out of memory",
        ),
        (SystemExit(5), "crashed", "called exit(5)"),
        (SystemExit(), "crashed", "called exit(None)"),
        (FULL, "crashed", f"no space is left on the disk ({FULL})"),
        (
            RuntimeError(f"I/O error: {FULL.strerror} (os error 28)"),
            "crashed",
            f"no space is left on the disk (I/O error: {FULL.strerror} (os error 28))",
        ),
        (OSError("of no number"), "failed", "OSError: of no number"),
    ],
)
def test_what_an_exception_means(error, status, reason):
    assert failure(error, "here") == Failed(status=status, reason=reason, where="here")


def test_a_reason_is_short_however_long_the_message_of_an_exception():
    reason = failure(ValueError("begins " + 10**6 * "x" + " ends"), "here").reason
    assert len(reason) < 900
    assert reason.startswith("ValueError: begins x")
    assert reason.endswith("x ends (1000024 characters: the log has all)")


def test_an_exception_whose_text_cannot_be_had_is_told():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    assert failure(Odd(), "here").reason == "Odd: no message that can be read"


def test_notes_of_an_exception_that_are_no_texts_are_told():
    error = ValueError("wrong")
    error.__notes__ = [1, "two"]
    assert failure(error, "here").reason == "ValueError: wrong; 1; two"
