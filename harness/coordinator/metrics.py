"""The metrics by hook of a run: which are chosen, and each computed for every trial by the host's hand.

The host's own are computed in this process, others in a worker that holds no plugin: the true classes of
the test samples are in neither the plugin's process nor its reach.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.catalogue.metrics import FoundMetrics, discover_metrics, metrics_file
from harness.coordinator.outcome import failed
from harness.coordinator.pool import Workers
from harness.coordinator.process import Worker
from harness.coordinator.starter import StarterDied
from harness.errors import UsageError, unknown
from harness.metrics import evidence
from harness.metrics.checks import declared
from harness.metrics.computing import compute
from harness.plugin import MetricSpec
from harness.protocol import (
    Computed,
    ComputeMetric,
    DeclaredMetric,
    DescribeMetrics,
    Event,
    Failed,
    MetricPlace,
    MetricsDescribed,
)
from harness.results.metrics import HOST, METRICS, UNDER_CHANGE

#: What chooses nothing, and everything that is installed.
NONE, ALL = "none", "all"
#: Importing a module may take long; no metric of so few numbers does.
_DESCRIBE_SECONDS, _COMPUTE_SECONDS = 300.0, 120.0


@dataclass(frozen=True)
class OwnMetric:
    """One metric by hook, and the module that it comes from."""

    told: DeclaredMetric
    found: FoundMetrics

    @property
    def spec(self) -> MetricSpec:
        """The metric itself, if it is the host's own."""
        return next(s for s in specs_of(self.found) if s.name == self.told.name)


@dataclass(frozen=True)
class Known:
    """Every metric by hook that could be described, and a line about each that could not."""

    metrics: Sequence[OwnMetric]
    problems: Mapping[str, Sequence[str]] = field(default_factory=dict)


def specs_of(found: FoundMetrics) -> list[MetricSpec]:
    """The metrics of one of the host's own modules."""
    return list(import_module(found.location.module).harness_metrics())


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
        modules = {m.found.name for m in known.metrics} | set(known.problems)
        each = [m.told.name for m in known.metrics]
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
        if not metric.told.changes
        or metric.found.name in wanted
        or any(name == ALL or fnmatchcase(metric.told.name, name) for name in names)
    ]


def known_metrics(modules: Sequence[FoundMetrics], workers: Workers) -> Known:
    """The metrics of every module; of two with one name, the first."""
    metrics: dict[str, OwnMetric] = {}
    problems: dict[str, list[str]] = {}
    changes: dict[str, str] = {}
    titles = {METRICS[name].title: "snn-harness" for name in HOST}
    for found in modules:
        described, wrong = _described(found, workers)
        for told in described:
            told = told.model_copy(update={"digest": found.digest})
            earlier = metrics.get(told.name)
            owner = earlier.found.name if earlier else "snn-harness"
            taken = [name for name in told.changes if changes.get(name, found.name) != found.name]
            if earlier or told.name in HOST:
                wrong.append(f"metric {told.name}: {owner} has one of this name: choose another")
            elif told.title in titles:
                title = f"{titles[told.title]} has the title {told.title!r}"
                wrong.append(f"metric {told.name}: {title}: choose another")
            elif taken:
                wrong.append(
                    f"metric {told.name}: {changes[taken[0]]} has a change {taken[0]}: "
                    "choose another name for it"
                )
            else:
                metrics[told.name] = OwnMetric(told, found)
                changes |= dict.fromkeys(told.changes, found.name)
                titles[told.title] = found.name
        if wrong:
            problems.setdefault(found.name, []).extend(wrong)
    return Known(list(metrics.values()), problems)


def _described(found: FoundMetrics, workers: Workers) -> tuple[list[DeclaredMetric], list[str]]:
    if found.status != "ready":
        mend = f"; install it with: {found.install}" if found.install else ""
        return [], [f"{found.status}: {found.reason}{mend}"]
    if found.built_in:
        return [declared(spec, found.name) for spec in specs_of(found)], []
    with MetricWorker(workers) as worker:
        event = worker.ask(DescribeMetrics(place=found.location), _DESCRIBE_SECONDS)
    if isinstance(event, MetricsDescribed):
        return event.metrics, list(event.problems)
    return [], [failed(event)["reason"]]


class MetricWorker:
    """A process that computes metrics; after one that died, another answers."""

    def __init__(self, workers: Workers, log: Path | None = None) -> None:
        self._workers, self._log = workers, log
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> MetricWorker:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def ask(self, request: DescribeMetrics | ComputeMetric, timeout: float) -> Event:
        """The answer to a request, one at a time."""
        with self._lock:
            try:
                self._worker = self._worker or self._started()
            except StarterDied as reason:
                return Failed(status="crashed", reason=str(reason))
            event = self._worker.ask(request, timeout)
            if isinstance(event, Failed) and event.status in ("timeout", "crashed", "oom"):
                self._worker = None
            return event

    def _started(self) -> Worker:
        log = self._log or self._workers.scratch("metrics.log")
        return self._stack.enter_context(self._workers.start(log, 1, ""))


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
        self._specs = {m.told.name: m.spec for m in chosen if m.found.built_in}

    def asked(self, key: str) -> dict[str, Any]:
        """The fields of `RunTrial` that make the worker leave what is needed."""
        if not self._chosen:
            return {}
        changed = [
            MetricPlace(place=m.found.location, name=m.told.name)
            for m in self._chosen
            if m.told.changes
        ]
        return {"evidence": str(self._path(key)), "changed": tuple(changed)}

    def add(self, fields: dict[str, Any], key: str, unchanged: Mapping[str, str]) -> dict[str, Any]:
        """The fields of a trial's record, with the metrics, or why there are none, and their curves."""
        if not self._chosen or fields["status"] != "ok":
            return fields
        found: dict[str, Any] = {}
        absent: dict[str, str] = {}
        curves: dict[str, Any] = {}
        for metric in self._chosen:
            name = metric.told.name
            names = (name, *metric.told.changes)
            reason = next((unchanged[each] for each in names if each in unchanged), "")
            computed = Computed(absent=reason) if reason else self._computed(metric, fields, key)
            if computed.value is None:
                absent[name] = computed.absent
            else:
                found[name] = computed.value
                curves |= self._curves(metric, key)
        self._path(key).unlink(missing_ok=True)
        facts = {**fields.get("facts", {}), **({UNDER_CHANGE: curves} if curves else {})}
        metrics = {**fields["metrics"], **found}
        told = {**fields.get("absent", {}), **absent}
        return {**fields, "metrics": metrics, "absent": told, "facts": facts}

    def _computed(self, metric: OwnMetric, fields: Mapping[str, Any], key: str) -> Computed:
        name, path = metric.told.name, self._path(key)
        metrics, layers = fields["metrics"], fields.get("layers", [])
        try:
            if spec := self._specs.get(name):
                got = evidence.read(
                    path, self._labels, self._classes, spec.changes, metrics, layers
                )
                return compute(spec, got)
        except ValueError as error:
            return Computed(absent=str(error))
        request = ComputeMetric(
            place=metric.found.location,
            name=name,
            evidence=str(path),
            labels=str(self._labels.resolve()),
            classes=self._classes,
            metrics=metrics,
            layers=layers,
        )
        event = self._worker.ask(request, _COMPUTE_SECONDS)
        return event if isinstance(event, Computed) else Computed(absent=failed(event)["reason"])

    def _curves(self, metric: OwnMetric, key: str) -> dict[str, dict[str, float]]:
        """The accuracies under each of the metric's changes, that without one at 0."""
        return evidence.curves(self._path(key), self._labels, metric.told.changes)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.evidence.safetensors"


@contextmanager
def own_metrics(
    chosen: Sequence[OwnMetric],
    workers: Workers,
    labels: Path,
    classes: int,
    scratch: Path,
    log: Path,
) -> Iterator[OwnMetrics]:
    """What computes `chosen`, with a process that lasts as long as the context."""
    with MetricWorker(workers, log) as worker:
        yield OwnMetrics(chosen, worker, labels, classes, scratch)
