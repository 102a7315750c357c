"""The metrics by hook of every trial, computed by the host's hand.

The host's own are computed in this process, others in a worker that holds no plugin: the true classes of
the test samples are in neither the plugin's process nor its reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.coordinator.metric_worker import MetricWorker
from harness.coordinator.metrics import OwnMetric
from harness.coordinator.processes.failures import failed
from harness.metrics import evidence
from harness.metrics.computing import compute
from harness.protocol.events import Computed
from harness.protocol.requests import ComputeMetric, MetricPlace
from harness.results.caveats import FAILED_METRICS
from harness.results.metrics import UNDER_CHANGE

#: No metric of so few numbers takes long.
_COMPUTE_SECONDS = 120.0


class OwnMetrics:
    """Computes the chosen metrics of trials; `folder` is for what workers leave, and is temporary."""

    def __init__(
        self,
        chosen: Sequence[OwnMetric],
        worker: MetricWorker,
        labels: Path,
        classes: int,
        folder: Path,
    ) -> None:
        self._chosen, self._worker, self._folder = chosen, worker, folder
        self._labels, self._classes = labels, classes
        self._specs = {m.declared.name: m.spec for m in chosen if m.module.built_in}

    def asked(self, key: str) -> dict[str, Any]:
        """The fields of `RunTrial` that make the worker leave what is needed."""
        if not self._chosen:
            return {}
        changed = [
            MetricPlace(place=m.module.location, name=m.declared.name)
            for m in self._chosen
            if m.declared.changes
        ]
        return {"evidence": str(self._path(key)), "changed": tuple(changed)}

    def add(self, fields: dict[str, Any], key: str, unchanged: Mapping[str, str]) -> dict[str, Any]:
        """The fields of a trial's record, with the metrics, or why there are none, and their curves."""
        if not self._chosen or fields["status"] != "ok":
            return fields
        values: dict[str, Any] = {}
        absent: dict[str, str] = {}
        broken: list[str] = []
        curves: dict[str, Any] = {}
        for metric in self._chosen:
            name = metric.declared.name
            names = (name, *metric.declared.changes)
            reason = next((unchanged[each] for each in names if each in unchanged), "")
            computed = Computed(absent=reason) if reason else self._computed(metric, fields, key)
            if computed.value is None:
                absent[name] = computed.absent
                if computed.failed:
                    broken.append(name)
            else:
                values[name] = computed.value
                curves |= computed.curves
        self._path(key).unlink(missing_ok=True)
        facts = {**fields.get("facts", {}), **({UNDER_CHANGE: curves} if curves else {})}
        facts |= {FAILED_METRICS: broken} if broken else {}
        metrics = {**fields["metrics"], **values}
        reasons = {**fields.get("absent", {}), **absent}
        return {**fields, "metrics": metrics, "absent": reasons, "facts": facts}

    def _computed(self, metric: OwnMetric, fields: Mapping[str, Any], key: str) -> Computed:
        name, path = metric.declared.name, self._path(key)
        metrics, layers = fields["metrics"], fields.get("layers", [])
        try:
            if spec := self._specs.get(name):
                got = evidence.read(
                    path, self._labels, self._classes, spec.changes, metrics, layers
                )
                return compute(spec, got)
        except ValueError as error:
            return Computed(absent=str(error), failed=True)
        request = ComputeMetric(
            place=metric.module.location,
            name=name,
            evidence=str(path),
            labels=str(self._labels.resolve()),
            classes=self._classes,
            metrics=metrics,
            layers=layers,
        )
        event = self._worker.ask(request, _COMPUTE_SECONDS)
        if isinstance(event, Computed):
            return event
        return Computed(absent=failed(event)["reason"], failed=True)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.evidence.safetensors"
