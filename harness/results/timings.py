"""From the raw times of a measurement group to metrics, comparisons and verdicts, one for all groups."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.protocol.events import Sweep
from harness.results.comparison import Rounds, compared, group_noise, outliers, verdicts
from harness.results.metrics import METRICS
from harness.results.record import Series, Versus
from harness.results.statistics import percentile_ms, summarise_latency, summarise_rate

#: The percentiles that are metrics of their own, and the series that they are of.
_PERCENTILES = {"latency_p95_ms": ("latency", 0.95), "latency_p99_ms": ("latency", 0.99)}

#: The share of the highest rate at which a batch counts as large enough.
NEARLY = 0.9

#: The fact that says why a report shows a comparison as it was recorded, by the version that measured.
RECORDED = "recorded"

Times = Mapping[str, Rounds]
"""The seconds of a subject's calls by series, round by round, in the order taken."""


def timed_metrics(times: Times, batches: Mapping[str, int]) -> dict[str, Any]:
    """Every metric of the registry that summarises one of the series of `times`."""
    metrics: dict[str, Any] = {}
    for metric in METRICS.values():
        rounds = times.get(metric.series)
        if not rounds:
            continue
        calls = [seconds for taken in rounds for seconds in taken]
        if metric.unit == "per second":
            metrics[metric.name] = summarise_rate(calls, batches[metric.series], rounds)
        else:
            metrics[metric.name] = summarise_latency(calls, rounds)
    for name, (series, p) in _PERCENTILES.items():
        if series in times:
            calls = [seconds for taken in times[series] for seconds in taken]
            if (value := percentile_ms(calls, p)) is not None:
                metrics[name] = value
    return metrics


def sweep_metrics(sweeps: Mapping[str, Sweep]) -> dict[str, float]:
    """Of each sweep the highest rate, and the smallest batch that reaches 90 % of it."""
    metrics: dict[str, float] = {}
    for what, sweep in sweeps.items():
        if sweep.points:
            highest = max(point.rate for point in sweep.points)
            enough = (p.batch for p in sweep.points if p.rate >= NEARLY * highest)
            metrics |= {f"{what}_plateau": highest, f"{what}_plateau_batch": min(enough)}
    return metrics


def compare(
    times: Mapping[str, Times],
    batches: Mapping[str, Mapping[str, int]],
    baseline: str,
    comparable: Collection[str] | None = None,
) -> dict[str, dict[str, Series]]:
    """For the key of each subject: its series beside those of `baseline`, by the whole group's noise.

    Times are compared by sample, so that subjects with batches of their own compare. Nothing is
    compared where `baseline` is no key of the group; only `comparable` keys are compared, all where
    they are not given.
    """
    names = dict.fromkeys(name for series in times.values() for name in series)
    all_series: dict[str, dict[str, Series]] = {key: {} for key in times}
    for name in names:
        each = {
            key: _by_sample(t[name], batches[key][name]) for key, t in times.items() if name in t
        }
        noise = group_noise(each.values())
        theirs = each.get(baseline)
        ratios = {
            key: compared(rounds, theirs, noise)
            for key, rounds in each.items()
            if theirs is not None and key != baseline and (comparable is None or key in comparable)
        }
        said = verdicts(ratios, noise)
        for key, rounds in each.items():
            versus = None
            if r := ratios.get(key):
                versus = Versus(ratio=r.value, low=r.low, high=r.high, p=r.p, verdict=said[key])
            all_series[key][name] = Series(
                batch=batches[key][name],
                rounds=len(rounds),
                outliers=outliers([s for taken in rounds for s in taken]),
                noise_floor=noise.floor if math.isfinite(noise.floor) else None,
                versus=versus,
                unsteady=math.exp(apart) if (apart := noise.unsteady(rounds)) else None,
            )
    return all_series


def _by_sample(rounds: Rounds, batch: int) -> list[Sequence[float]]:
    return [[seconds / batch for seconds in taken] for taken in rounds]
