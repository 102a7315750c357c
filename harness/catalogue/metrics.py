"""Where metrics by hook are found: without importing any that are not built in.

A module of metrics is built in, or an entry point of the group `harness.metric` (its value the module
that implements `harness_metrics`), or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal

from harness.catalogue.announced import check_file, state_of
from harness.catalogue.digest import file_digest
from harness.catalogue.installed import Installed
from harness.subjects import PluginLocation

METRIC_GROUP = "harness.metric"

#: The modules of the host's own metrics by hook.
BUILT_IN = {
    "calibration": "harness.metrics.calibration",
    "per-class": "harness.metrics.per_class",
    "robustness": "harness.metrics.robustness",
}


@dataclass(frozen=True)
class FoundMetrics:
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


def discover_metrics() -> list[FoundMetrics]:
    """Every module of metrics that is built in or installed; none is imported."""
    found = {
        name: FoundMetrics(name, PluginLocation(name, module=module))
        for name, module in BUILT_IN.items()
    }
    here = Installed()
    for dist in distributions():
        for point in dist.entry_points:
            if point.group != METRIC_GROUP:
                continue
            module = point.value.partition(":")[0].strip()
            status, reason, install = state_of(dist.name, module, here)
            metrics = FoundMetrics(
                point.name,
                PluginLocation(point.name, module=module),
                here.digest(module) if status == "ready" else "",
                dist.name,
                status,
                reason,
                install,
            )
            # The same distribution can be on the path twice (an editable install and its source).
            earlier = found.setdefault(point.name, metrics)
            if earlier.distribution != dist.name and earlier.built_in:
                # The host's stands: an installed package cannot take its place, nor stop it.
                name = f"{point.name} of {dist.name}"
                found[name] = replace(_taken(metrics, "snn-harness"), name=name)
            elif earlier.distribution != dist.name:
                found[point.name] = _taken(earlier, f"{earlier.distribution}, {dist.name}")
    return list(found.values())


def metrics_file(path: Path) -> FoundMetrics:
    """The metrics of a file; UsageError in one line where it could not be imported."""
    check_file("metric", path)
    place = PluginLocation(path.stem, file=str(path.resolve()))
    return FoundMetrics(path.stem, place, file_digest(path))


def _taken(metrics: FoundMetrics, owners: str) -> FoundMetrics:
    return replace(metrics, status="broken", reason=f"the name is taken twice: {owners}")
