"""From a worker's answer to a record."""

from __future__ import annotations

from typing import Any, Literal

from harness.catalogue.plugins import Plugin
from harness.protocol import Event, Failed, Trained, Trial
from harness.results.record import Record, finite

NOT_FINITE = "it came out as no finite number"


def not_ready(plugin: Plugin) -> Failed:
    """What becomes of a trial whose plugin cannot start: missing is skipped, broken has failed."""
    if plugin.status == "missing":
        return Failed(status="skipped", reason=f"{plugin.reason}; {plugin.install}")
    return Failed(status="failed", reason=plugin.reason, where="import")


def outcome(event: Event) -> dict[str, Any]:
    """The fields of a record that an answer to `RunTrial` fills."""
    match event:
        case Trained():
            metrics = finite(event.metrics)
            no_number = dict.fromkeys(event.metrics.keys() - metrics.keys(), NOT_FINITE)
            return {
                "status": "ok",
                "params": event.params,
                "versions": event.versions,
                "metrics": metrics,
                "absent": event.absent | no_number,
                "layers": event.layers,
                "history": event.history,
                "raster": event.raster,
            }
        case Failed():
            # An invalid output names its hook itself, and a skip is what the plugin says.
            told = event.where and event.status not in ("invalid", "skipped")
            reason = f"{event.where}: {event.reason}" if told else event.reason
            return {"status": event.status, "reason": reason}
        case _:
            return {"status": "crashed", "reason": f"the worker answered {event.type!r}"}


def record_of(
    trial: Trial, plugin: Plugin, stage: Literal["trial", "timing"], **outcome: Any
) -> Record:
    """The record of what became of `trial` in `stage`."""
    fields: dict[str, Any] = {
        "stage": stage,
        "key": trial.key,
        "plugin": trial.plugin.name,
        "label": trial.label,
        "framework": plugin.framework,
        "framework_version": plugin.framework_version,
        "task": trial.task,
        "preset": trial.preset,
        "params": trial.overrides,
        "seed": trial.seed,
        "device": trial.device,
        "threads": trial.threads,
    }
    return Record(**fields | outcome)
