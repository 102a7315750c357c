"""Compiled variants of a trained network; torch's compiler is replaced, but for one test."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import nn

from harness.plugin import Unsupported
from harness.protocol.requests import TakeRound, TakeValidity
from harness.worker.sessions import variants
from harness.worker.sessions.variants import Compiled, reallocate

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Torch's compiler is not imported: that takes seconds."""
    monkeypatch.setattr(variants, "start_afresh", lambda: None)
    monkeypatch.setattr(variants, "no_cache", nullcontext)


def test_cuda_graphs_need_a_gpu():
    with pytest.raises(Unsupported, match="CUDA graphs need a CUDA device"):
        Compiled(lambda spikes: spikes, "graphs", CPU)


def test_an_error_of_the_compiler_is_a_reason_and_one_of_the_plugin_is_an_error(monkeypatch):
    class NoCompiler(Exception):
        __module__ = "torch._inductor.exc"

    def fails(error):
        def call(spikes):
            raise error

        monkeypatch.setattr(torch, "compile", lambda evaluate, mode: call)
        return Compiled(lambda spikes: spikes, "compile", CPU)

    with pytest.raises(Unsupported, match=r"torch.compile: NoCompiler: no compiler$"):
        fails(NoCompiler("no compiler\nat all"))(torch.zeros(1))
    with pytest.raises(ZeroDivisionError):
        fails(ZeroDivisionError())(torch.zeros(1))


def test_compiling_takes_what_the_second_call_saves(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda evaluate, mode: evaluate)
    compiled = Compiled(lambda spikes: spikes, "compile", CPU)
    seconds = iter([3.0, 0.5, 0.1, 0.2])  # the last two differ by noise
    assert compiled.count(1, lambda: next(seconds)) == 3.0
    assert compiled.count(250, lambda: next(seconds)) == 0.1
    assert (compiled.seconds, compiled.sizes) == (2.5, {1, 250})


def test_what_is_reallocated_is_the_same_elsewhere():
    model = nn.BatchNorm1d(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    places = [tensor.data_ptr() for tensor in model.parameters()]
    kept = list(model.parameters())
    reallocate(model)
    assert all(a is b for a, b in zip(kept, model.parameters()))
    assert not set(places) & {tensor.data_ptr() for tensor in model.parameters()}
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.fixture
def counted(monkeypatch):
    """torch.compile that compiles nothing, and counts its calls."""
    calls = []

    def compile_(evaluate, mode):
        return lambda spikes: calls.append(spikes.shape[1]) or evaluate(spikes)

    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(Compiled, "check", lambda self: None)
    return calls


def test_a_variant_is_called_in_rounds_and_its_answers_are_held_against_the_eager_ones(
    session, counted
):
    found = session(variant="compile")
    assert counted == [1, 1, 250, 250]
    counted.clear()
    samples = found.take(TakeRound(what="inference", seconds=0, calls=2, fresh=True, batch=300))
    assert samples.batch == 300
    assert set(counted) == {300}
    measured = found.validity(TakeValidity())
    assert measured.metrics.keys() == {"compile_seconds"}


def test_a_variant_that_answers_otherwise_is_invalid(session, monkeypatch):
    from harness.errors import InvalidOutput

    monkeypatch.setattr(torch, "compile", lambda evaluate, mode: lambda s: -evaluate(s))
    monkeypatch.setattr(Compiled, "check", lambda self: None)
    found = session(variant="compile")
    found.take(TakeRound(what="inference", seconds=0, calls=2, fresh=True))
    with pytest.raises(InvalidOutput, match="the network, when timed, answers otherwise"):
        found.validity(TakeValidity())


@pytest.mark.parametrize("graphs", [0, 1])
def test_where_nothing_was_compiled_there_is_no_variant(monkeypatch, graphs):
    """By the counters of torch's compiler, in a module that stands in for it."""
    told = SimpleNamespace(counters={"stats": {"unique_graphs": graphs}})
    monkeypatch.setitem(sys.modules, "torch._dynamo", SimpleNamespace(utils=told))
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", told)
    monkeypatch.setattr(torch, "compile", lambda evaluate, mode: evaluate)
    compiled = Compiled(lambda spikes: spikes, "compile", CPU)
    if graphs:
        compiled.check()
    else:
        with pytest.raises(Unsupported, match="finds nothing in harness_evaluate to compile"):
            compiled.check()
