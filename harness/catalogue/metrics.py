"""Where metrics by hook are found: without importing any that are not built in.

A module of metrics is built in, or an entry point of the group `harness.metric` (its value the module
that implements `harness_metrics`), or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness.catalogue.announced import announced, check_file
from harness.catalogue.digest import file_digest
from harness.subjects import PluginLocation

METRIC_GROUP = "harness.metric"

#: The modules of the host's own metrics by hook.
BUILT_IN = {
    "calibration": "harness.metrics.calibration",
    "per-class": "harness.metrics.per_class",
    "robustness": "harness.metrics.robustness",
}


@dataclass(frozen=True)
class MetricsEntry:
    """A module or a file of metrics, as its metadata describe it.

    `name` is that of the entry point, or of the file. One that is built in has no digest of its code,
    because the host's covers it.
    """

    name: str
    location: PluginLocation
    digest: str = ""
    distribution: str = ""
    status: Literal["ready", "missing", "broken"] = "ready"
    reason: str = ""
    install: str = ""

    @property
    def built_in(self) -> bool:
        """Whether it is the host's own."""
        return not self.distribution and bool(self.location.module)


def discover_metrics() -> list[MetricsEntry]:
    """Every module of metrics that is built in or installed; none is imported."""
    modules = {
        name: MetricsEntry(name, PluginLocation(name, module=module))
        for name, module in BUILT_IN.items()
    }
    for name, module, distribution, digest, state in announced(METRIC_GROUP):
        place = PluginLocation(name, module=module)
        metrics = MetricsEntry(name, place, digest, distribution, *state)
        earlier = modules.setdefault(name, metrics)
        if earlier.distribution != distribution and earlier.built_in:
            # The host's stands: an installed package cannot take its place, nor stop it.
            other = f"{name} of {distribution}"
            modules[other] = replace(_taken(metrics, "snn-harness"), name=other)
        elif earlier.distribution != distribution:
            modules[name] = _taken(earlier, f"{earlier.distribution}, {distribution}")
    return list(modules.values())


def metrics_file(path: Path) -> MetricsEntry:
    """The metrics of a file; UsageError in one line where it could not be imported."""
    check_file("metric", path)
    place = PluginLocation(path.stem, file=str(path.resolve()))
    return MetricsEntry(path.stem, place, file_digest(path))


def _taken(metrics: MetricsEntry, owners: str) -> MetricsEntry:
    return replace(metrics, status="broken", reason=f"the name is taken twice: {owners}")
