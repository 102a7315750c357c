"""`python -m harness.worker`: reads requests from standard input, answers in events.

The pipe that was standard output belongs to the protocol alone; whatever the plugin or a library
prints goes to standard error, which the coordinator has put into the trial's log.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pydantic import BaseModel

from harness.plugin import Unsupported
from harness.subjects import PluginLocation
from harness.errors import DataMissing, InvalidOutput, UsageError
from harness.protocol import (
    Describe,
    Described,
    Failed,
    Measured,
    MeasurePeaks,
    OpenLayer,
    OpenProbe,
    OpenTiming,
    Prepare,
    Prepared,
    Progress,
    ProveLayer,
    Request,
    RunTrial,
    Status,
    TakeEnergy,
    TakeLayerRound,
    TakeMemory,
    TakeRound,
    TakeValidity,
    Trial,
    requests,
)

if TYPE_CHECKING:
    import torch

    from harness.worker.hooks import Hooks
    from harness.worker.sessions.layer import LayerHook, LayerSession
    from harness.worker.sessions.probe import Probe
    from harness.worker.sessions.network import TimingSession


class Worker:
    """Serves one plugin's requests, one after the other."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._hooks: Hooks | LayerHook | None = None
        self._session: TimingSession | None = None
        self._layer: LayerSession | None = None
        self._probe: Probe | None = None
        self._stage = "start"

    def send(self, event: BaseModel) -> None:
        """Writes one event."""
        if isinstance(event, Progress):
            self._stage = event.stage
            if self._hooks:  # whatever hook ran last has returned
                self._hooks.current = ""
        self._out.write(event.model_dump_json() + "\n")
        self._out.flush()

    def serve(self, request: Request) -> None:
        """Answers one request, with `Failed` where it comes to nothing."""
        try:
            self.send(self._answer(request))
        except BaseException as error:
            traceback.print_exc()
            sys.stderr.flush()
            where = self._hooks.current if self._hooks and self._hooks.current else self._stage
            self.send(failure(error, where))

    def _answer(self, request: Request) -> BaseModel:
        match request:
            case Prepare():
                return self._prepare(request)
            case Describe():
                return self._describe(request)
            case RunTrial():
                from harness.worker.train import run_trial

                return run_trial(request, self._open(request.trial), self.send)
            case OpenTiming():
                from harness.worker.sessions.network import TimingSession

                self._session = TimingSession(request, self._open(request.trial))
                return self._session.opened()
            case OpenProbe():
                from harness.worker.sessions.probe import Probe

                self._probe = Probe(request)
                return self._probe.opened()
            case TakeRound() if self._probe:
                return self._probe.take(request)
            case TakeRound() if self._session:
                return self._session.take(request)
            case TakeValidity() if self._session:
                return self._session.validity(request)
            case TakeMemory() if self._session:
                return self._session.memory()
            case TakeEnergy() if self._session:
                return self._session.energy(request)
            case TakeMemory() if self._layer:
                return self._layer.memory()
            case MeasurePeaks():
                from harness.measure.roofline import measure_peaks

                return Measured(metrics=measure_peaks(on_device(request.device, request.threads)))
            case ProveLayer():
                from harness.worker.proof.equality import prove

                device = on_device(request.device, request.threads)
                return prove(self._load_layer(request.plugin), request.neuron, device)
            case OpenLayer():
                from harness.worker.sessions.layer import LayerSession

                self._layer = None  # before the next: both would take memory
                device = on_device(request.device, request.threads)
                self._layer = LayerSession(request, self._load_layer(request.plugin), device)
                return self._layer.opened()
            case TakeLayerRound() if self._layer:
                return self._layer.take(request)
        raise RuntimeError(f"{request.type} was asked for before open")

    def _prepare(self, request: Prepare) -> Prepared:
        from harness.tasks.prepare import prepare

        path, facts = prepare(
            request.task,
            [Path(folder) for folder in request.data],
            Path(request.cache),
            lambda text: self.send(Progress(stage=text)),
        )
        return Prepared(path=str(path), facts=facts)

    def _describe(self, request: Describe) -> Described:
        presets = self._load(request.plugin).presets()
        return Described(
            parameters={name: vars(p) for name, p in presets.parameters.items()},
            values={p: {t: dict(v) for t, v in by.items()} for p, by in presets.values.items()},
        )

    def _load(self, plugin: PluginLocation) -> Hooks:
        self.send(Progress(stage="import"))
        from harness.worker.hooks import Hooks

        # Bound before it loads the plugin, so that a failing import is told as one.
        self._hooks = hooks = Hooks(plugin)
        return hooks

    def _load_layer(self, plugin: PluginLocation) -> LayerHook:
        from harness.worker.sessions.layer import LayerHook

        if isinstance(self._hooks, LayerHook) and self._hooks.loaded:
            return self._hooks
        self.send(Progress(stage="import"))
        self._hooks = hook = LayerHook()
        hook.load(plugin)
        return hook

    def _open(self, trial: Trial) -> Hooks:
        on_device(trial.device, trial.threads)
        return self._load(trial.plugin)


def on_device(name: str, threads: int) -> torch.device:
    """The device `name`, which torch must find here; on the CPU, torch then uses `threads`."""
    import torch

    torch.set_num_threads(threads)
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise Unsupported(f"torch {torch.__version__} finds no CUDA device here")
    return device


def failure(error: BaseException, where: str) -> Failed:
    """What an exception means for the record."""
    status: Status = "failed"
    reason = f"{type(error).__name__}: {str(error).strip() or 'no message'}"
    if isinstance(error, Unsupported):
        status, reason = "skipped", str(error)
    elif isinstance(error, InvalidOutput):
        status, reason = "invalid", str(error)
    elif isinstance(error, (UsageError, DataMissing)):
        reason = str(error)
    elif isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        status = "oom"
    elif isinstance(error, SystemExit):
        status, reason = "crashed", f"called exit({error.code!r})"
    elif "can't allocate memory" in str(error):  # torch's allocator on the CPU raises RuntimeError
        status = "oom"
    return Failed(status=status, reason=reason, where=where)


def main() -> None:
    """Serves requests until standard input closes, which is also how the coordinator's death shows."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(out)
    pending: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a plugin that reads input gets none

    def read() -> None:
        for line in source:
            pending.put(line)
        # Nobody is left to answer to: end the whole group, a hanging hook and its children included.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    # Ctrl-C in the terminal is the coordinator's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        worker.serve(requests.validate_json(pending.get()))


if __name__ == "__main__":
    main()
