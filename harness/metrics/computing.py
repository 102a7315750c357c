"""Computes one metric by hook; whatever goes wrong with it is the reason why there is none."""

from __future__ import annotations

import traceback

from harness.author_errors import described, raised_at
from harness.errors import plain
from harness.metrics.checks import declared, value_of
from harness.plugin import Evidence, MetricSpec, Unsupported
from harness.protocol.events import Computed


def compute(spec: MetricSpec, evidence: Evidence) -> Computed:
    """The metric's value for a trial, and the accuracies under its changes."""
    try:
        returned = spec.compute(evidence)
    except Unsupported as reason:
        return Computed(absent=plain(reason) or "no reason is given")
    except Exception as error:
        traceback.print_exc()
        place = f" ({at})" if (at := raised_at(error)) else ""
        message = f"{plain(described(error))[:300]}{place}"
        return Computed(absent=message, failed=True)
    curves = {change.name: _curve(evidence, change.name) for change in spec.changes}
    try:
        return Computed(value=value_of(declared(spec, ""), returned), curves=curves)
    except Unsupported as reason:  # an impossible value
        return Computed(absent=plain(reason), failed=True)


def _curve(evidence: Evidence, change: str) -> dict[str, float]:
    """The accuracies, ascending by strength. The strengths are text, as the names in a record are."""
    return {f"{strength:g}": got for strength, got in sorted(evidence.curve(change).items())}
