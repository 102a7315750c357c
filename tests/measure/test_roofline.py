"""The peaks of the device, and what is said where one cannot be measured."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

torch = pytest.importorskip("torch")

from harness.measure import precision, roofline
from harness.measure.roofline import measure_peaks, peak_flops

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


@pytest.fixture
def quick(monkeypatch):
    """Small arrays, each call once."""
    monkeypatch.setattr(roofline, "_SIDES", {"cpu": (8, 16), "cuda": (8,)})
    monkeypatch.setattr(roofline, "_REDUCED_SIDES", {"cpu": (8,), "cuda": (8,)})
    monkeypatch.setattr(roofline, "_COPY_BYTES", {"cpu": 64, "cuda": 64})
    monkeypatch.setattr(roofline, "_SECONDS", 0.0)


def test_each_precision_has_its_peak_and_the_flags_are_told(quick):
    peaks = measure_peaks(CPU)
    names = {"peak_flops", "peak_flops_bf16", "peak_flops_fp16", "peak_bandwidth"}
    assert peaks.metrics.keys() == names
    assert min(peaks.metrics.values()) > 0
    assert peaks.absent == {}
    assert peaks.facts["dtype"] == "float32"


def test_what_cannot_be_measured_says_why_and_the_others_are_measured(quick, monkeypatch):
    def no_room(device):
        raise torch.OutOfMemoryError("no room\nfor it")

    def only_float32(device, dtype, *_):
        if dtype != torch.float32:
            raise RuntimeError("not implemented for 'Half'")
        return 5.0

    monkeypatch.setattr(roofline, "peak_bandwidth", no_room)
    monkeypatch.setattr(roofline, "peak_flops", only_float32)
    peaks = measure_peaks(CPU)
    assert peaks.metrics == {"peak_flops": 5.0}
    assert peaks.absent == {
        "peak_bandwidth": "no room",
        "peak_flops_bf16": "not implemented for 'Half'",
        "peak_flops_fp16": "not implemented for 'Half'",
    }


def test_on_a_gpu_tf32_is_allowed_for_its_own_peak_alone(quick, monkeypatch):
    allowed = []

    def noted(device, dtype, sides, within=None):
        with within or nullcontext():
            allowed.append((str(dtype), precision.precision()["cudnn_tf32"]))
        return 1.0

    monkeypatch.setattr(roofline, "peak_flops", noted)
    monkeypatch.setattr(roofline, "peak_bandwidth", lambda device: 1.0)
    precision.reduce_nothing()
    assert "peak_flops_tf32" in measure_peaks(CUDA).metrics
    assert precision.precision()["cudnn_tf32"] == "off"
    assert allowed == [
        ("torch.float32", "off"), ("torch.float32", "on"),
        ("torch.bfloat16", "off"), ("torch.float16", "off"),
    ]  # fmt: skip


def test_a_peak_is_the_fastest_call_and_no_larger_product_follows_a_slow_one(monkeypatch):
    seconds = {4: 1e-6, 8: 0.1, 16: 1e-9}
    tried = []

    def timed(call, device):
        side = call().shape[0]
        tried.append(side)
        return seconds[side], None

    monkeypatch.setattr(roofline, "timed", timed)
    monkeypatch.setattr(roofline, "_SECONDS", 0.0)
    assert peak_flops(CPU, torch.float32, (4, 8, 16)) == pytest.approx(2 * 4**3 / 1e-6)
    assert tried == [4] * 4 + [8]


def test_on_a_gpu_the_call_that_loads_a_kernel_is_none_of_a_peak(monkeypatch):
    calls = []

    def timed(call, device):
        call()
        return (0.2 if len(calls) == 1 else 1e-6), None

    for name in ("rand", "empty"):  # on the CPU: only the clock knows of a GPU
        make = getattr(torch, name)
        monkeypatch.setattr(
            torch, name, lambda *size, device, make=make, **options: make(*size, **options)
        )
    monkeypatch.setattr(torch, "mm", lambda a, b, out: calls.append(len(a)))
    monkeypatch.setattr(roofline, "timed", timed)
    monkeypatch.setattr(roofline, "_SECONDS", 0.0)
    assert peak_flops(CUDA, torch.float32, (4, 8)) == pytest.approx(2 * 8**3 / 1e-6)
    assert calls == [4] * 5 + [8] * 5
