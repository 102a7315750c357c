"""Curves and spikes of a row's records, as figures and the page draw them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from harness.report.numbers import grouped, plain
from harness.report.rows import NetworkRow
from harness.results.metrics import UNDER_CHANGE, by_hook
from harness.results.record import TrialRecord

Curve = NDArray[np.float64]
"""A line of x and y for each point."""

#: Training scalars of this name are the fraction of a layer's neurons that spike in a step.
DENSITY = "density_"
#: As many inputs of a raster are shown.
MOST_INPUTS = 100


def steps(row: NetworkRow) -> list[Curve]:
    """Each seed's accuracy by time step, in percent; none of a seed that has none."""
    each = (trial.metrics.get("accuracy_by_step") for trial in row.trials)
    return [
        np.column_stack((np.arange(1, len(values) + 1), 100 * np.array(values)))
        for values in each
        if isinstance(values, list) and values
    ]


def under_change(row: NetworkRow, change: str) -> list[Curve]:
    """Each seed's accuracy by the strength of a change, in percent; none of a seed that has none."""
    by_seed = []
    for trial in row.trials:
        curves = trial.facts.get(UNDER_CHANGE)
        curve = curves.get(change) if isinstance(curves, Mapping) else None
        if isinstance(curve, Mapping) and curve:
            points = [(float(at), 100 * float(share)) for at, share in curve.items()]
            by_seed.append(np.array(sorted(points)))
    return by_seed


def changes(rows: Sequence[NetworkRow]) -> dict[str, str]:
    """The changes under which one of `rows` was evaluated, and the titles of their strengths."""
    return {
        name: plain(title)
        for metric in by_hook()
        for name, title in metric.changes
        if any(under_change(row, name) for row in rows)
    }


def over_seeds(curves: Sequence[Curve]) -> Curve:
    """The seeds' curves as one array, as far as all of them go."""
    return np.stack([curve[: min(map(len, curves))] for curve in curves])


def scalars(rows: Sequence[NetworkRow], density: bool) -> list[str]:
    """The layers' densities, or the other training scalars of `rows`.

    Loss and accuracy come first, then the others by name, layer10 after layer9.
    """
    names = {name for row in rows for t in row.trials for epoch in t.history for name in epoch}

    def order(name: str) -> tuple[bool, bool, list[int | str]]:
        parts = enumerate(re.split(r"(\d+)", name))
        numbers = [int(part) if place % 2 else part for place, part in parts]
        return name != "loss", name != "accuracy", numbers

    wanted = (name for name in names - {"epoch"} if name.startswith(DENSITY) == density)
    return sorted(wanted, key=order)


def scalar(row: NetworkRow, name: str) -> list[Curve]:
    """Each seed's training scalar by epoch, a density in percent; none of a seed that lacks it."""
    factor = 100 if name.startswith(DENSITY) else 1
    curves = (
        [
            (epoch.get("epoch", place), factor * epoch[name])
            for place, epoch in enumerate(trial.history, start=1)
            if name in epoch
        ]
        for trial in row.trials
    )
    return [np.array(curve, float) for curve in curves if curve]


def sparsities(row: NetworkRow) -> dict[str, float]:
    """Each layer's sparsity in the network's order, the mean over the seeds."""
    by_layer = grouped(
        (plain(layer["name"]), layer["activation_sparsity"])
        for trial in row.trials
        for layer in trial.layers
        if layer.get("name") is not None
        and isinstance(layer.get("activation_sparsity"), (int, float))
    )
    return {name: fmean(values) for name, values in by_layer.items()}


def first_trial(row: NetworkRow) -> list[TrialRecord]:
    """The trial of the row's first seed that has spikes to show."""
    trials = [trial for trial in row.trials if trial.raster.get("target")]
    return sorted(trials, key=lambda trial: trial.seed)[:1]
