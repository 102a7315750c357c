"""Carries out one check of the suite."""

from __future__ import annotations

import sys
import traceback
from functools import cache
from pathlib import Path

from harness.plugin.conformance import CHECKS
from harness.protocol.events import Checked
from harness.protocol.requests import CheckPlugin
from harness.subjects import PluginLocation
from harness.worker.conformance import kept, learning, outputs, repetition, resuming, start
from harness.worker.conformance.outcome import Skipping, failure_of
from harness.worker.conformance.probe import Probe, Run

RUNS: dict[str, Run] = {
    "contract": start.contract,
    "presets": start.presets,
    "build": start.build,
    "encoding": start.encoding,
    "training": learning.training,
    "learning": learning.learning,
    "shapes": outputs.shapes,
    "finite": outputs.finite,
    "spikes": outputs.spikes,
    "operations": outputs.operations,
    "record": outputs.record,
    "steps": outputs.steps,
    "batches": repetition.batches,
    "remembered": repetition.remembered,
    "determinism": learning.determinism,
    "last-batch": learning.last_batch,
    "memory": learning.memory,
    "tasks": kept.tasks,
    "devices": kept.devices,
    "state": kept.state,
    "reload": kept.reload,
    "checkpoint": resuming.checkpoint,
}


def carry_out(request: CheckPlugin) -> Checked:
    """What one check finds; the plugin and its trained network are kept for the next."""
    check = next(check for check in CHECKS if check.name == request.check)
    probe = _probe(request.plugin, request.device, request.quick, request.folder)
    if "hooks" in vars(probe):
        probe.hooks.current = ""
    try:
        detail = RUNS[check.name](probe)
    except Skipping as reason:
        return Checked(status="skipped", detail=reason.detail, mend=reason.mend)
    except Exception as error:
        traceback.print_exc()
        sys.stderr.flush()
        hook = probe.hooks.current if "hooks" in vars(probe) else ""
        failure = failure_of(error, hook, check.mend, check.of_errors)
        return Checked(status="failed", detail=failure.detail, mend=failure.mend)
    return Checked(status="ok", detail=detail or check.requirement)


@cache
def _probe(location: PluginLocation, device: str, quick: bool, folder: str) -> Probe:
    return Probe(location, device, quick, Path(folder))
