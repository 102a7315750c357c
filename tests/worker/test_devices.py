"""The device that a request names."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from harness.plugin import Unsupported
from harness.worker.devices import on_device


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


def test_a_gpu_that_torch_finds_is_taken(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert on_device("cuda:1", 1) == torch.device("cuda", 1)


def test_what_is_no_device_is_an_error():
    with pytest.raises(RuntimeError, match="device"):
        on_device("abacus", 1)
