"""The metrics by hook that there are, and which of them a run has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path

from harness.catalogue.metrics import MetricsEntry, discover_metrics, metrics_file
from harness.coordinator.metric_worker import MetricWorker
from harness.coordinator.processes.failures import failed
from harness.coordinator.processes.pool import Workers
from harness.errors import UsageError, concerning, unknown
from harness.metrics.checks import declared
from harness.plugin import MetricSpec
from harness.protocol.events import DeclaredMetric, MetricsDescribed
from harness.protocol.requests import DescribeMetrics
from harness.results.metrics import HOST, METRICS

#: What chooses nothing, and everything that is installed.
NONE, ALL = "none", "all"
#: Importing a module may take long.
_DESCRIBE_SECONDS = 300.0


@dataclass(frozen=True)
class OwnMetric:
    """One metric by hook, and the module that it comes from."""

    declared: DeclaredMetric
    module: MetricsEntry

    @property
    def spec(self) -> MetricSpec:
        """The metric itself, if it is the host's own."""
        return next(s for s in specs_of(self.module) if s.name == self.declared.name)


@dataclass(frozen=True)
class Known:
    """Every metric by hook that could be described, and a line about each that could not."""

    metrics: Sequence[OwnMetric]
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)


def specs_of(module: MetricsEntry) -> list[MetricSpec]:
    """The metrics of one of the host's own modules."""
    return list(import_module(module.location.module).harness_metrics())


@concerning("metrics")
def choose(
    patterns: Sequence[str], workers: Workers, say: Callable[[str], None]
) -> list[OwnMetric]:
    """The metrics of a run: those that cost nothing, and those that `patterns` name.

    UsageError in one line where one that is asked for does not exist or is declared wrongly; `say` is told
    of others that are.
    """
    if NONE in patterns:
        if len(patterns) > 1:
            raise UsageError("--metrics none stands alone")
        return []
    files = [metrics_file(Path(name)) for name in patterns if name.endswith(".py")]
    names = [name for name in patterns if not name.endswith(".py")]
    known = known_metrics([*discover_metrics(), *files], workers)
    wanted = {file.name for file in files}
    for name in names:
        modules = {m.module.name for m in known.metrics} | set(known.problems)
        each = [m.declared.name for m in known.metrics]
        if name != ALL and not any(fnmatchcase(one, name) for one in (*modules, *each)):
            raise unknown("metric", name, [*modules, *each])
        wanted |= {one for one in modules if fnmatchcase(one, name)}
    for source, problems in known.problems.items():
        if source in wanted:
            raise UsageError(f"--metrics {source}: {problems[0]}")
        for problem in problems:
            say(f"metrics of {source} are left out: {problem}")
    return [
        metric
        for metric in known.metrics
        if not metric.declared.changes
        or metric.module.name in wanted
        or any(name == ALL or fnmatchcase(metric.declared.name, name) for name in names)
    ]


def known_metrics(modules: Sequence[MetricsEntry], workers: Workers) -> Known:
    """The metrics of every module; of two with one name, the first."""
    metrics: dict[str, OwnMetric] = {}
    problems: dict[str, list[str]] = {}
    changes: dict[str, str] = {}
    titles = {METRICS[name].title: "snn-harness" for name in HOST}
    for module in modules:
        described, wrong = _described(module, workers)
        for metric in described:
            metric = metric.model_copy(update={"digest": module.digest})
            earlier = metrics.get(metric.name)
            owner = earlier.module.name if earlier else "snn-harness"
            taken = [
                name for name in metric.changes if changes.get(name, module.name) != module.name
            ]
            if earlier or metric.name in HOST:
                wrong.append(f"metric {metric.name}: {owner} has one of this name: choose another")
            elif metric.title in titles:
                title = f"{titles[metric.title]} has the title {metric.title!r}"
                wrong.append(f"metric {metric.name}: {title}: choose another")
            elif taken:
                wrong.append(
                    f"metric {metric.name}: {changes[taken[0]]} has a change {taken[0]}: "
                    "choose another name for it"
                )
            else:
                metrics[metric.name] = OwnMetric(metric, module)
                changes |= dict.fromkeys(metric.changes, module.name)
                titles[metric.title] = module.name
        if wrong:
            problems.setdefault(module.name, []).extend(wrong)
    return Known(list(metrics.values()), problems)


def _described(module: MetricsEntry, workers: Workers) -> tuple[list[DeclaredMetric], list[str]]:
    if module.status != "ready":
        mend = f"; install it with: {module.install}" if module.install else ""
        return [], [f"{module.status}: {module.reason}{mend}"]
    if module.built_in:
        return [declared(spec, module.name) for spec in specs_of(module)], []
    with MetricWorker(workers) as worker:
        event = worker.ask(DescribeMetrics(place=module.location), _DESCRIBE_SECONDS)
    if isinstance(event, MetricsDescribed):
        return event.metrics, list(event.problems)
    return [], [failed(event)["reason"]]
