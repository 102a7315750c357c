"""The device that a request names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from harness.measure.precision import precision
from harness.plugin import Unsupported
from harness.worker.devices import card, on_device


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads_", [1, 2])
def test_the_processor_is_there_with_as_many_threads_as_asked_for(threads_):
    assert on_device("cpu", threads_) == torch.device("cpu")
    assert torch.get_num_threads() == threads_


def test_a_gpu_that_torch_does_not_find_is_unsupported(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unsupported, match="finds no CUDA device here"):
        on_device("cuda", 1)


@pytest.mark.parametrize(("name", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_gpu_that_torch_finds_is_taken(monkeypatch, name, number):
    """Only the driver is replaced: torch's own set_device refuses what has no number."""
    current = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch._C, "_cuda_setDevice", current.append, raising=False)
    assert on_device(name, 1) == torch.device("cuda", number)
    assert current == [number]
    with pytest.raises(Unsupported, match="there is no cuda:2: torch finds 2, counted from cuda:0"):
        on_device("cuda:2", 1)


def test_the_precision_is_set_for_everybody():
    torch.set_float32_matmul_precision("medium")
    torch.backends.cudnn.allow_tf32 = True
    on_device("cpu", 1)
    assert precision()["float32_matmul"] == "highest"
    assert precision()["cudnn_tf32"] == "off"


def test_a_card_is_told_by_its_uuid(monkeypatch):
    found = SimpleNamespace(name="a card", total_memory=8, uuid="12")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: found)
    told = {"card": "a card", "card_memory_bytes": 8.0, "card_uuid": "GPU-12"}
    assert card(torch.device("cuda")) == told
    assert card(torch.device("cpu")) == {}


def test_what_is_no_device_is_an_error():
    with pytest.raises(RuntimeError, match="device"):
        on_device("abacus", 1)
