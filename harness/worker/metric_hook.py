"""The hook `harness_metrics` of one module: its metrics described, and computed one by one."""

from __future__ import annotations

from pathlib import Path

from harness.errors import InvalidOutput, UsageError
from harness.metrics.checks import declared, listed
from harness.metrics.computing import compute
from harness.metrics.evidence import read
from harness.plugin import MetricSpec
from harness.protocol.events import Computed, DeclaredMetric, MetricsDescribed
from harness.protocol.requests import ComputeMetric
from harness.subjects import PluginLocation
from harness.worker import settings
from harness.worker.loading import LoadedPlugin


class MetricHook(LoadedPlugin):
    """The metrics of a module or a file: those that are valid, and what is wrong with the others."""

    def __init__(self, location: PluginLocation) -> None:
        super().__init__(location)
        self.location = location
        where = location.file or location.module
        if self.lacks("harness_metrics"):
            raise UsageError(f"{where} does not implement harness_metrics")
        with self.running("harness_metrics"):
            specs = listed(self.hook.harness_metrics(), where)
        settings.pin_again()
        self.specs: dict[str, MetricSpec] = {}
        self.problems: list[str] = []
        self._declared: list[DeclaredMetric] = []
        for spec in specs:
            try:
                metric = declared(spec, location.name)
                if metric.name in self.specs:
                    raise InvalidOutput(f"metric {metric.name} is declared twice")
            except InvalidOutput as error:
                self.problems.append(str(error))
            else:
                self.specs[metric.name] = spec
                self._declared.append(metric)

    def described(self) -> MetricsDescribed:
        """What the coordinator is told of them."""
        return MetricsDescribed(metrics=self._declared, problems=self.problems)

    def compute(self, request: ComputeMetric) -> Computed:
        """One metric of one trial."""
        spec = self.specs[request.name]
        evidence = read(
            Path(request.evidence),
            Path(request.labels),
            request.classes,
            spec.changes,
            request.metrics,
            request.layers,
        )
        with self.running(f"metric {spec.name}"):
            return compute(spec, evidence)
