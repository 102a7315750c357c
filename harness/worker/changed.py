"""Evaluations under changed samples, for the metrics by hook that ask for them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from harness.author_errors import described
from harness.errors import plain
from harness.metrics.evidence import changed_name, seed_of
from harness.plugin import INPUTS, Change, Unsupported
from harness.protocol.events import Progress
from harness.protocol.requests import RunTrial
from harness.worker.data import TaskData
from harness.worker.evaluate import answer
from harness.worker.hooks import Hooks
from harness.worker.metric_hook import MetricHook


def answer_changed(
    request: RunTrial,
    hooks: Hooks,
    model: nn.Module,
    data: TaskData,
    report: Callable[[Progress], None],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The classes [N] under every strength of every change, and why others could not be had.

    A change that fails, or that the network fails under, costs itself and nothing else.
    """
    classes: dict[str, Tensor] = {}
    unchanged: dict[str, str] = {}
    changes = list(_changes(request, unchanged))
    for change in changes:
        try:
            for strength in change.strengths:
                what = f"changed {change.name} {strength:g}"
                classes[changed_name(change.name, strength)] = _under(
                    change, strength, request.trial.seed, hooks, model, data, report, what
                )
        except Unsupported as reason:
            unchanged[change.name] = plain(reason)
        except Exception as error:
            traceback.print_exc()
            unchanged[change.name] = plain(f"at strength {strength:g}: {described(error)}")[:300]
    return classes, unchanged


def _changes(request: RunTrial, unchanged: dict[str, str]) -> Iterator[Change]:
    """Each change once, though several metrics may ask for it; `unchanged` gets what does not load."""
    seen = set()
    loaded: dict[str, MetricHook] = {}
    for wanted in request.changed:
        try:
            if wanted.place.name not in loaded:
                loaded[wanted.place.name] = MetricHook(wanted.place)
            spec = loaded[wanted.place.name].specs[wanted.name]
        except Exception as error:
            traceback.print_exc()
            reason = f"beside this plugin it cannot be imported: {described(error)}"
            unchanged[wanted.name] = plain(reason)[:300]
            continue
        for change in spec.changes:
            if change.name not in seen:
                seen.add(change.name)
                yield change


def _under(
    change: Change,
    strength: float,
    seed: int,
    hooks: Hooks,
    model: nn.Module,
    data: TaskData,
    report: Callable[[Progress], None],
    stage: str,
) -> Tensor:
    draws = torch.Generator().manual_seed(seed_of(seed, change.name, strength))

    def report_progress(done: int, total: int) -> None:
        report(Progress(stage=stage, done=done, total=total))

    def apply(values: Tensor) -> Tensor:
        changed = change.apply(values, strength, draws)
        if not isinstance(changed, Tensor) or changed.shape != values.shape:
            kind = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
            raise TypeError(f"apply returned {kind}, wanted a tensor {tuple(values.shape)}")
        if not bool(torch.isfinite(changed).all()):
            raise ValueError("apply returned a value that is not finite")
        changed = changed.to(values.device, values.dtype)
        return changed.clamp(0, 1) if change.of == INPUTS else changed

    on_inputs = change.of == INPUTS
    return answer(
        hooks,
        model,
        data.test,
        data.task.classes,
        report_progress,
        change=apply if on_inputs else None,
        change_spikes=None if on_inputs else apply,
    ).last
