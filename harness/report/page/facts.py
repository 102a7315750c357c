"""What the page's script draws, as one block of JSON: every row's numbers, and its series."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.plugin.contract import Task
from harness.report import layers, series
from harness.report.looks import SHAPES, looks
from harness.report.numbers import plain, show
from harness.report.rows import NetworkRow, interval, shown_metrics
from harness.report.series import DENSITY, MOST_INPUTS, Curve, first_trial
from harness.results.accuracy import ClassAccuracy
from harness.results.caveats import is_lower_bound
from harness.results.metrics import Metric
from harness.results.record import NetworkTiming
from harness.results.store import RunFolder
from harness.results.summary import Cell, Summary

#: Of more rows than these, only the first have curves, of more points than these some are left out.
MOST_CURVES, MOST_POINTS = 100, 80
#: The fractions of calls whose times are given.
QUANTILES = (0.01, *(step / 20 for step in range(1, 20)), 0.99)
#: More classes than these make no readable matrix.
MOST_CLASSES = 30


def network_facts(
    rows: Sequence[NetworkRow],
    classes: Mapping[str, ClassAccuracy],
    folder: Path | None = None,
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """The rows in the order of the table, and the `names` of the classes."""
    metrics = shown_metrics(rows)
    return {
        "kind": "networks",
        "shapes": SHAPES,
        "metrics": [_metric(metric) for metric in metrics],
        "stepMs": Task.step_ms,
        "classNames": list(names[:MOST_CLASSES]),
        "rows": [
            {
                "number": place,
                **_identity(row),
                "refuted": bool(row.refuted),
                "lowerBounds": [m.name for m in metrics if is_lower_bound(row.warnings, m.name)],
                "cells": _cells(row, metrics),
                "seeds": [_rounded(t.metrics.get("test_accuracy")) for t in row.trials],
                **(_curves(row) if place < MOST_CURVES else {}),
                **_raster(row, place),
                **_confusion(classes.get(row.name), place),
                **_sweeps(row),
                **_latencies(row, folder if place < MOST_CURVES else None),
            }
            for place, row in enumerate(rows)
        ],
    }


def layer_facts(rows: Sequence[Summary]) -> dict[str, Any]:
    """A row for each layer that was measured; only those that were proved equal are drawn."""
    metrics = shown_metrics(rows)
    plugins = sorted({row.row.plugin for row in rows})
    look_of = dict(zip(plugins, looks(plugins), strict=True))
    return {
        "kind": "layers",
        "shapes": SHAPES,
        "metrics": [_metric(metric) for metric in metrics],
        "rows": [
            {
                "number": plugins.index(row.row.plugin),
                "name": plain(row.row.plugin),
                "look": look_of[row.row.plugin].places,
                "framework": plain(row.row.framework),
                "neurons": layers.size(row).neurons,
                "inputs": layers.density_name(layers.size(row).density),
                "equal": layers.comparable(row),
                "bounds": {
                    name: _rounded(layers.timing_of(row).metrics.get(f"{name}_bound_ms"))
                    for name in ("forward", "backward", "total")
                },
                "cells": _cells(row, metrics),
            }
            for row in rows
        ],
    }


def as_json(facts: Mapping[str, Any]) -> str:
    """`facts` for a script element: nothing in it ends the element or starts a comment."""
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _metric(metric: Metric) -> dict[str, str]:
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "better": metric.better,
        "of": "calls" if metric.series else "seeds",
    }


def _identity(row: NetworkRow) -> dict[str, Any]:
    asked = row.row
    return {
        "name": row.name,
        "look": row.look.places,
        "plugin": plain(asked.plugin),
        "framework": plain(asked.framework),
        "family": plain(row.family[0]),
        "preset": plain(asked.preset),
        "task": plain(asked.task),
        "device": plain(asked.device),
    }


def _cells(row: Summary, metrics: Sequence[Metric]) -> dict[str, list[Any]]:
    """By metric: value, ends of the interval, number of seeds or rounds, and all of it as text."""
    cells = {}
    for metric in metrics:
        cell: Cell | None = row.cells.get(metric.name)
        if cell is not None:
            low, high = interval(cell) or (None, None)
            ends = [_rounded(low), _rounded(high)]
            cells[metric.name] = [
                _rounded(cell.value), *ends, cell.n, str(show(cell, metric.name)),
            ]  # fmt: skip
    return cells


def _curves(row: NetworkRow) -> dict[str, Any]:
    curves: dict[str, Any] = {}
    if steps := series.steps(row):
        curves["steps"] = _band(steps)
    under = {
        title: _band(series.under_change(row, name))
        for name, title in series.changes([row]).items()
    }
    if under:
        curves["under"] = under
    history = {}
    for density in (False, True):
        for name in series.scalars([row], density):
            if each := series.scalar(row, name):
                title = plain(name.removeprefix(DENSITY))
                history[f"activity of {title}, %" if density else title] = _band(each)
    if history:
        curves["history"] = history
    if sparsities := series.sparsities(row):
        curves["layers"] = [[name, _rounded(value)] for name, value in sparsities.items()]
    return curves


def _band(each: Sequence[Curve]) -> list[list[float]]:
    """x, the seeds' mean, lowest and highest; of many points some."""
    table = series.over_seeds(each)
    count = table.shape[1]
    kept = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))
    y = table[:, kept, 1]
    lines = [table[0, kept, 0], y.mean(0)]
    lines += [y.min(0), y.max(0)] if len(each) > 1 else []
    return [[_rounded(float(value)) for value in line] for line in lines]


def _raster(row: NetworkRow, place: int) -> dict[str, Any]:
    trials = first_trial(row) if place < MOST_CURVES else []
    if not trials:
        return {}
    trial = trials[0]
    kept = {name: trial.raster.get(name, []) for name in ("target", "output")}
    kept["input"] = list(trial.raster.get("input", []))[:MOST_INPUTS]
    return {"raster": {"seed": trial.seed, **kept}}


def _confusion(by_class: ClassAccuracy | None, place: int) -> dict[str, Any]:
    if by_class is None or place >= MOST_CURVES or len(by_class.n) > MOST_CLASSES:
        return {}
    return {"confusion": by_class.confusion.tolist()}


def _sweeps(row: NetworkRow) -> dict[str, Any]:
    """Batch sizes and samples a second by series, where the record has them."""
    sweeps = getattr(row.timing, "sweep", {})
    by_series = {}
    for name, sweep in sweeps.items():
        points = sorted(sweep.points, key=lambda point: point.batch)
        if points:
            by_series[plain(name)] = [
                [point.batch for point in points],
                [_rounded(point.rate) for point in points],
            ]
    return {"sweeps": by_series} if by_series else {}


def _latencies(row: NetworkRow, folder: Path | None) -> dict[str, Any]:
    """The quantiles of the timed calls, in milliseconds, from the samples beside the records."""
    timing = row.timing
    if folder is None or not isinstance(timing, NetworkTiming) or timing.status != "ok":
        return {}
    try:
        calls = 1e3 * np.concatenate(RunFolder(folder).read_times(timing.key).seconds["latency"])
    except (ValueError, KeyError):
        return {}
    return {"latencies": [_rounded(float(q)) for q in np.quantile(calls, QUANTILES)]}


def _rounded(value: object) -> Any:
    """Five digits are more than a picture shows; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        return None
    return float(f"{value:.5g}") if isinstance(value, float) else value
