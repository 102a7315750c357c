"""The device of a command, and a card's state, with a stand-in of the driver."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from harness.coordinator.processes import devices
from harness.coordinator.processes.devices import (
    choose_device,
    free_memory,
    gpu_state,
    throttle_reasons,
)
from harness.errors import UsageError
from harness.protocol.events import Failed, Opened

WORKS = Opened(first_call_ms=1, batches={}, facts={"card_uuid": "GPU-12"})
BROKEN = Failed(status="skipped", reason="torch 2 finds no CUDA device here")


class Driver:
    """pynvml with two GPUs; what is not here, this driver does not support."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self):
        self.open = 0

    def nvmlInit(self):  # noqa: N802 (the driver's own names)
        self.open += 1

    def nvmlShutdown(self):  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return f"GPU-{index}"

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return f"card {handle}"

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "600.1"

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        return {1: 1410, 2: 1593}[kind]

    def nvmlDeviceGetPowerManagementLimit(self, handle):  # noqa: N802
        return 300_000

    def nvmlDeviceGetTemperature(self, handle, kind):  # noqa: N802
        raise self.NVMLError("not supported")

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return 0x1 | 0x4 | 0x40

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(total=8 * 2**30, free=6 * 2**30)


@pytest.fixture
def driver(monkeypatch):
    driver = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    return driver


@pytest.fixture
def torch_says(monkeypatch):
    """What a worker finds when it tries a device; returns the devices that were tried."""
    tried = []

    def say(answer):
        monkeypatch.setattr(devices, "probe", lambda device: tried.append(device) or answer)
        return tried

    return say


def test_auto_takes_a_gpu_that_torch_can_use(driver, torch_says):
    tried, said = torch_says(WORKS), []
    assert choose_device("auto", said.append) == "cuda"
    assert (tried, said) == (["cuda"], [])
    assert driver.open == 0


def test_auto_takes_the_cpu_where_torch_cannot_use_the_gpu_and_says_why(driver, torch_says):
    torch_says(BROKEN)
    said = []
    assert choose_device("auto", said.append) == "cpu"
    assert said == [
        "on the CPU: torch cannot use the GPU (card GPU-0): torch 2 finds no CUDA device here"
    ]


def test_without_a_gpu_no_worker_is_asked(monkeypatch, torch_says):
    monkeypatch.setattr(devices, "gpus", list)
    tried = torch_says(BROKEN)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
    assert tried == []


@pytest.mark.parametrize("asked", ["tpu", "cuda:abc", "cuda:", "cuda:-1", "cpu:0", "", "cuda:1 "])
def test_what_is_no_device_is_refused_before_anything_is_asked(asked, torch_says):
    tried = torch_says(WORKS)
    with pytest.raises(UsageError, match=r"unknown device .*: known: auto, cpu, cuda, cuda:0"):
        choose_device(asked)
    assert tried == []


def test_a_number_that_no_gpu_has_is_refused_at_once(driver, torch_says):
    tried = torch_says(WORKS)
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(UsageError, match="there is no cuda:7: the driver reports 2, from cuda:0"):
        choose_device("cuda:7")
    assert tried == ["cuda:1"]


def test_a_gpu_that_was_asked_for_and_cannot_be_used_is_refused(monkeypatch, torch_says):
    monkeypatch.setattr(devices, "gpus", list)
    torch_says(BROKEN)
    with pytest.raises(UsageError, match=r"--device cuda: torch 2 finds .* here; try --device cpu"):
        choose_device("cuda")


def test_a_probe_is_a_worker_that_tries(fake_torch):
    """The stand-in of torch can do nothing: that is a failure, not a traceback."""
    devices.probe.cache_clear()
    try:
        assert isinstance(devices.probe("cuda"), Failed)
    finally:
        devices.probe.cache_clear()


def test_a_cards_state_is_what_the_driver_tells_of_it(driver, torch_says):
    torch_says(WORKS)
    assert gpu_state("cuda") == {
        "name": "card GPU-12",
        "driver": "600.1",
        "sm_clock_mhz": 1410,
        "memory_clock_mhz": 1593,
        "power_limit_w": 300,
        "throttled_by": ["power cap", "hardware thermal slowdown"],
        "memory_bytes": 8 * 2**30,
        "free_bytes": 6 * 2**30,
    }
    assert free_memory("cuda") == 6 * 2**30
    assert driver.open == 0


def test_a_part_of_a_card_is_found_by_a_prefix_of_its_own(driver, torch_says, monkeypatch):
    def handle(uuid):
        if uuid != "MIG-12":
            raise driver.NVMLError("Not Found")
        return uuid

    monkeypatch.setattr(driver, "nvmlDeviceGetHandleByUUID", handle)
    torch_says(WORKS)
    assert gpu_state("cuda")["name"] == "card MIG-12"
    assert free_memory("cuda") == 6 * 2**30


def test_nothing_is_told_of_the_cpu_or_without_a_driver(monkeypatch, torch_says):
    torch_says(WORKS)
    assert gpu_state("cpu") == {}
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it fails
    assert (gpu_state("cuda"), free_memory("cuda"), devices.gpus()) == ({}, None, [])


def test_a_gpu_that_is_lost_keeps_its_place_and_the_others_their_numbers(
    driver, torch_says, monkeypatch
):
    def lost(index):
        if index == 0:
            raise driver.NVMLError("GPU is lost")
        return f"GPU-{index}"

    monkeypatch.setattr(driver, "nvmlDeviceGetHandleByIndex", lost)
    assert devices.gpus() == ["unknown", "card GPU-1"]
    torch_says(WORKS)
    assert choose_device("cuda:1") == "cuda:1"
    assert driver.open == 0


@pytest.mark.parametrize("call", ["nvmlDeviceGetCount", "nvmlShutdown"])
def test_a_driver_that_fails_after_its_start_is_no_traceback(driver, monkeypatch, call):
    def fails():
        raise driver.NVMLError("Unknown Error")

    monkeypatch.setattr(driver, call, fails)
    expected = ["card GPU-0", "card GPU-1"] if call == "nvmlShutdown" else []
    assert devices.gpus() == expected


def test_reasons_are_words():
    assert throttle_reasons(0) == throttle_reasons(1) == []
    assert throttle_reasons(0x20) == ["software thermal slowdown"]
