"""The device of a command: chosen by what torch can use, and a GPU's state as its driver tells it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from harness.coordinator.processes.failures import unexpected
from harness.coordinator.processes.process import Worker
from harness.errors import UsageError
from harness.protocol.events import Failed, Opened
from harness.protocol.requests import OpenProbe

_PROBE_SECONDS = 120.0
#: The bits of NVML's reasons why a clock is lower than it could be; being idle is none that matters.
_THROTTLE = {
    0x2: "application clocks",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
    0x100: "display clocks",
}


def choose_device(asked: str, say: Callable[[str], None] = lambda _text: None) -> str:
    """The device for what was asked; UsageError in one line where there is none such.

    `auto` is cuda where torch can use a GPU, else the CPU: where the driver reports a GPU all the same,
    `say` is told why not.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", asked):
        raise UsageError(f"unknown device {asked!r}: known: auto, cpu, cuda, cuda:0, cuda:1, ...")
    if asked == "cpu":
        return asked
    names = gpus()
    if asked == "auto":
        if not names:
            return "cpu"
        event = probe("cuda")
        if isinstance(event, Failed):
            say(f"on the CPU: torch cannot use the GPU ({names[0]}): {event.reason}")
            return "cpu"
        return "cuda"
    number = int(asked.partition(":")[2] or 0)
    if names and number >= len(names):
        raise UsageError(f"there is no {asked}: the driver reports {len(names)}, from cuda:0")
    event = probe(asked)
    if isinstance(event, Failed):
        raise UsageError(f"--device {asked}: {event.reason}; try --device cpu")
    return asked


@cache
def probe(device: str) -> Opened | Failed:
    """What became of a small piece of work that torch did on `device`, in a process of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="harness-") as folder,
        Worker.spawn(Path(folder) / "probe.log") as worker,
    ):
        event = worker.ask(OpenProbe(device=device), _PROBE_SECONDS)
    return event if isinstance(event, (Opened, Failed)) else unexpected(event)


def gpus() -> list[str]:
    """The names of the CUDA devices that the driver reports; asks no torch.

    A device that is lost keeps its place, as "unknown": its number is what --device counts.
    """
    with _driver() as nvml:
        count = _answer_of(nvml, lambda: int(nvml.nvmlDeviceGetCount())) or 0
        return [
            _answer_of(nvml, partial(_name, nvml, place)) or "unknown" for place in range(count)
        ]


def free_memory(device: str) -> int | None:
    """The free bytes of a GPU, as its driver tells; None for the CPU, and where it does not tell."""
    with _card(device) as (nvml, handle):
        return None if nvml is None else _answer_of(nvml, lambda: int(_memory(nvml, handle).free))


def gpu_state(device: str) -> dict[str, Any]:
    """The card, its driver, clocks, power, temperature and why it is slower than it could be, now.

    Clocks are in MHz, power in W, temperature in °C, memory in bytes. What the driver does not tell is
    left out; empty for the CPU.
    """
    with _card(device) as (nvml, handle):
        if nvml is None:
            return {}
        asked: dict[str, Callable[[], Any]] = {
            "name": lambda: str(nvml.nvmlDeviceGetName(handle)),
            "uuid": lambda: str(nvml.nvmlDeviceGetUUID(handle)),
            "driver": lambda: str(nvml.nvmlSystemGetDriverVersion()),
            "sm_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
            "max_sm_clock_mhz": lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM),
            "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
            "power_limit_w": lambda: nvml.nvmlDeviceGetPowerManagementLimit(handle) / 1000,
            "power_w": lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
            "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(
                handle, nvml.NVML_TEMPERATURE_GPU
            ),
            "throttled_by": lambda: throttle_reasons(
                nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
            ),
            "memory_bytes": lambda: int(_memory(nvml, handle).total),
            "free_bytes": lambda: int(_memory(nvml, handle).free),
        }
        state = {name: _answer_of(nvml, ask) for name, ask in asked.items()}
        return {name: value for name, value in state.items() if value is not None}


def throttle_reasons(bits: int) -> list[str]:
    """The reasons whose bits are set, in words."""
    return [words for bit, words in _THROTTLE.items() if bits & bit]


@contextmanager
def _card(device: str) -> Iterator[tuple[Any, Any]]:
    """The driver's module and its handle of `device`; None and None where there is neither."""
    event = probe(device) if device.startswith("cuda") else None
    uuid = str(event.facts.get("card_uuid", "")) if isinstance(event, Opened) else ""
    # torch tells no prefix; a part of a card (MIG) has another one than a card.
    names = [uuid, uuid.replace("GPU-", "MIG-", 1)] if uuid else []
    with _driver() as nvml:
        handles = (_answer_of(nvml, partial(_by_uuid, nvml, name)) for name in names)
        handle = next((handle for handle in handles if handle is not None), None)
        yield (nvml, handle) if handle is not None else (None, None)


@contextmanager
def _driver() -> Iterator[Any]:
    """pynvml, ready; None where it is not installed or there is no driver."""
    try:
        import pynvml
    except ImportError:
        yield None
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield None
        return
    try:
        yield pynvml
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _answer_of(nvml: Any, ask: Callable[[], Any]) -> Any:
    """What the driver answers; None where it will not or cannot."""
    if nvml is None:
        return None
    try:
        return ask()
    except (nvml.NVMLError, AttributeError):
        return None


def _by_uuid(nvml: Any, uuid: str) -> Any:
    return nvml.nvmlDeviceGetHandleByUUID(uuid)


def _name(nvml: Any, place: int) -> str:
    return str(nvml.nvmlDeviceGetName(nvml.nvmlDeviceGetHandleByIndex(place)))


def _memory(nvml: Any, handle: Any) -> Any:
    return nvml.nvmlDeviceGetMemoryInfo(handle)
