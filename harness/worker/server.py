"""Serves a worker's requests, one after the other."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pydantic import BaseModel

from harness.author_errors import described, raised_at
from harness.errors import DataMissing, InvalidOutput, UsageError
from harness.plugin import Unsupported
from harness.protocol.events import Described, Failed, Prepared, Progress, TasksDescribed
from harness.protocol.requests import (
    CheckPlugin,
    ComputeMetric,
    Describe,
    DescribeMetrics,
    DescribeTasks,
    ExportNetwork,
    MeasurePeaks,
    OpenLayer,
    OpenNetwork,
    OpenProbe,
    Prepare,
    ProveLayer,
    ReloadTrial,
    Request,
    RunTrial,
    TakeEnergy,
    TakeMemory,
    TakeRound,
    TakeSweep,
    TakeValidity,
    WarmUp,
)
from harness.subjects import PluginLocation, Status, TaskLocation

if TYPE_CHECKING:
    from harness.worker.hooks import Hooks
    from harness.worker.layer_hook import LayerHook
    from harness.worker.metric_hook import MetricHook
    from harness.worker.sessions.base import Session
    from harness.worker.task_hook import TaskHook


#: What else than an exception's type says that there is no memory: of torch's allocator on the CPU, of CUDA
#: where a process has no room on the card, and of cuBLAS where the allocator has taken it all.
_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
#: A reason is a line for people.
_MOST_CHARACTERS = 800


class Server:
    """One plugin, and the session that is open; answers are written to `out`, a line each."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._plugin: Hooks | LayerHook | None = None
        self._session: Session | None = None
        self._metrics: MetricHook | None = None
        self._stage = "start"

    def send(self, event: BaseModel) -> None:
        """Writes one event."""
        if isinstance(event, Progress):
            self._stage = event.stage
            if self._plugin:  # whatever hook ran last has returned
                self._plugin.current = ""
        self._out.write(event.model_dump_json() + "\n")
        self._out.flush()

    def serve(self, request: Request) -> None:
        """Answers one request, with `Failed` where it comes to nothing."""
        try:
            answer = self._answer(request)
            _release_device_memory()
            self.send(answer)
            return
        except BaseException as error:
            with suppress(OSError):  # a full disk keeps no log: the reason is told all the same
                traceback.print_exc()
                sys.stderr.flush()
            where = self._plugin.current if self._plugin and self._plugin.current else self._stage
            failed = failure(error, where)
        # After the exception, which holds what its frames held. Whatever failed may make this fail too.
        with suppress(Exception):
            _release_device_memory()
        self.send(failed)

    def _answer(self, request: Request) -> BaseModel:
        match request:
            case Prepare():
                return self._prepare(request)
            case DescribeTasks():
                return self._describe_tasks(request)
            case Describe():
                presets = self._networks(request.plugin).presets()
                return Described(
                    parameters={name: vars(p) for name, p in presets.parameters.items()},
                    values=presets.values,
                    sources=presets.sources,
                    family=presets.family,
                )
            case DescribeMetrics():
                self._stage = "import"
                from harness.worker.metric_hook import MetricHook

                return MetricHook(request.place).described()
            case ComputeMetric():
                from harness.worker.metric_hook import MetricHook

                if self._metrics is None or self._metrics.location != request.place:
                    self._metrics = MetricHook(request.place)
                return self._metrics.compute(request)
            case RunTrial():
                hooks = self._networks(request.plugin)
                from harness.worker.train import run_trial

                return run_trial(request, hooks, self.send)
            case ReloadTrial():
                hooks = self._networks(request.plugin)
                from harness.worker.reload import reload

                return reload(request, hooks, self.send)
            case ExportNetwork():
                hooks = self._networks(request.plugin)
                from harness.worker.nir import export

                return export(request, hooks, self.send)
            case OpenNetwork() | OpenLayer() | OpenProbe():
                self._session = None  # before the next: both would take memory
                self._session = self._open(request)
                return self._session.opened()
            case MeasurePeaks():
                from harness.measure.roofline import measure_peaks
                from harness.worker.devices import on_device

                return measure_peaks(on_device(request.device, request.threads))
            case ProveLayer():
                hook = self._layers(request.plugin)
                from harness.worker.devices import on_device
                from harness.worker.proof.equality import prove

                return prove(hook, request.neuron, on_device(request.device, request.threads))
            case CheckPlugin():
                from harness.worker.conformance.suite import carry_out

                return carry_out(request)
        return self._measure(request)

    def _open(self, request: OpenNetwork | OpenLayer | OpenProbe) -> Session:
        from harness.worker.devices import on_device

        match request:
            case OpenNetwork():
                device = on_device(request.trial.row.device, request.trial.row.threads)
                hooks = self._networks(request.plugin)
                from harness.worker.sessions.network import NetworkSession

                return NetworkSession(request, hooks, device)
            case OpenLayer():
                device = on_device(request.row.device, request.row.threads)
                hook = self._layers(request.plugin)
                from harness.worker.sessions.layer import LayerSession

                return LayerSession(request, hook, device)
            case OpenProbe():
                from harness.worker.sessions.probe import ProbeSession

                return ProbeSession(on_device(request.device, request.threads))

    def _measure(
        self, request: WarmUp | TakeRound | TakeValidity | TakeMemory | TakeEnergy | TakeSweep
    ) -> BaseModel:
        if self._session is None:
            raise RuntimeError(f"{request.type} was asked for before anything was opened")
        match request:
            case WarmUp():
                return self._session.warm(request)
            case TakeRound():
                return self._session.take(request, lambda stage: self.send(Progress(stage=stage)))
            case TakeValidity():
                return self._session.validity(request)
            case TakeMemory():
                return self._session.memory()
            case TakeEnergy():
                return self._session.energy(request)
            case TakeSweep():
                return self._session.sweep(request)

    def _prepare(self, request: Prepare) -> Prepared:
        from harness.tasks.prepare import labels_of, prepare_task

        asked = request.task
        prepared = prepare_task(
            self._tasks(asked).find(asked.name, asked.options),
            [Path(folder) for folder in request.data],
            Path(request.cache),
            lambda text: self.send(Progress(stage=text)),
            code=asked.digest,
            beside=_folder_of(asked),
        )
        labels = labels_of(prepared.path)
        return Prepared(
            path=str(prepared.path),
            labels=str(labels) if labels.exists() else "",
            facts=prepared.facts,
            task=prepared.task,
        )

    def _describe_tasks(self, request: DescribeTasks) -> TasksDescribed:
        from harness.tasks.describe import facts_of
        from harness.tasks.prepare import prepared_before

        asked, data = request.task, [Path(folder) for folder in request.data]
        cache, beside = Path(request.cache), _folder_of(asked)
        hook = self._tasks(asked)
        specs = [hook.find(asked.name, asked.options)] if asked.name else hook.specs
        tasks = [facts_of(spec, data, cache, beside) for spec in specs]
        if request.prepared:
            for facts, spec in zip(tasks, specs, strict=True):
                facts |= prepared_before(spec, data, cache, asked.digest, beside)
        return TasksDescribed(tasks=tasks)

    def _tasks(self, asked: TaskLocation) -> TaskHook:
        from harness.worker.task_hook import TaskHook

        hook = TaskHook(asked.place)
        self._stage = "harness_tasks"
        return hook

    def _networks(self, location: PluginLocation) -> Hooks:
        self.send(Progress(stage="import"))
        from harness.worker.hooks import Hooks

        self._plugin = hooks = Hooks(location)
        return hooks

    def _layers(self, location: PluginLocation) -> LayerHook:
        from harness.worker.layer_hook import LayerHook

        if isinstance(self._plugin, LayerHook):
            return self._plugin
        self.send(Progress(stage="import"))
        self._plugin = hook = LayerHook(location)
        return hook


def _release_device_memory() -> None:
    """What torch only keeps of a GPU goes back to it: the next process asks what is free."""
    memory = sys.modules.get("harness.measure.memory")  # whatever uses a GPU has imported it
    if memory:
        memory.release_device_memory()


def _folder_of(asked: TaskLocation) -> Path | None:
    return Path(asked.place.file).parent if asked.place.file else None


def failure(error: BaseException, where: str) -> Failed:
    """What an exception means for the record."""
    status: Status = "failed"
    reason = "; ".join([described(error), *map(str, getattr(error, "__notes__", []))])
    if "CUDA error: " in reason:  # its other lines say where to read about it
        reason = reason.partition("\n")[0]
    place = f" ({at})" if (at := raised_at(error)) else ""
    if isinstance(error, Unsupported):
        status, reason = "skipped", str(error)
    elif isinstance(error, InvalidOutput):
        status, reason = "invalid", str(error)
    elif isinstance(error, (UsageError, DataMissing)):
        reason = f"{error}{place}"
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        status = "oom"
    elif isinstance(error, SystemExit):
        status, reason = "crashed", f"called exit({error.code!r})"
    elif _no_room(error, reason):
        status, reason = "crashed", f"no space is left on the disk ({error})"
    elif any(words in reason for words in _NO_MEMORY):
        status = "oom"
    elif status == "failed":
        reason = f"{reason}{place}"
    return Failed(status=status, reason=_short(reason), where=where)


def _short(reason: str) -> str:
    """An exception may hold a whole array as text; the log has it."""
    if len(reason) <= _MOST_CHARACTERS:
        return reason
    half = _MOST_CHARACTERS // 2
    return f"{reason[:half]} ... {reason[-half:]} ({len(reason)} characters: the log has all)"


def _no_room(error: BaseException, text: str) -> bool:
    """Whether a full disk is the cause; libraries of other languages tell it by the text alone."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return os.strerror(errno.ENOSPC) in text
