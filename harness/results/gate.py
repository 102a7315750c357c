"""`--fail-on test_accuracy:worse --margin '1 %'`: which changes end a comparison with exit code 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UsageError, unknown
from harness.results.change import Change
from harness.results.metrics import METRICS
from harness.results.regression import Comparison, compared_metrics

#: All metrics that are compared.
ANY = "any"
_VERDICTS = ("worse", "better")


@dataclass(frozen=True)
class Gate:
    """A metric, or `any`, and the verdict on it that is not accepted."""

    metric: str
    verdict: str

    def covers(self, metric: str) -> bool:
        """Whether it is about `metric`."""
        return self.metric in (ANY, metric)


def parse_gate(text: str) -> Gate:
    """`METRIC:worse`, or `any:worse`; UsageError otherwise."""
    metric, colon, verdict = text.partition(":")
    if not colon or verdict not in _VERDICTS:
        raise UsageError(f"--fail-on {text!r}: wanted METRIC:worse, as in test_accuracy:worse")
    judged = _judged()
    if metric in METRICS and metric not in judged | {ANY}:
        raise UsageError(
            f"--fail-on {text!r}: {metric} has no interval, so there is no verdict on it; "
            f"known: {', '.join(sorted(judged | {ANY}))}"
        )
    if metric not in judged | {ANY}:
        raise unknown("metric", metric, judged | {ANY}, "for --fail-on")
    return Gate(metric, verdict)


def _judged() -> set[str]:
    """The metrics on which there is a verdict."""
    return {each.name for each in compared_metrics() if "trial" in each.of or each.series}


def parse_margin(text: str) -> float:
    """`1 %` or `0.01` as a fraction; UsageError otherwise."""
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        margin = float(number) / (100 if percent else 1)
    except ValueError:
        margin = -1.0
    if not 0 <= margin < 1:
        raise UsageError(f"--margin {text!r}: wanted a share from 0 to 1, as in '1 %' or 0.01")
    return margin


def failures(comparison: Comparison, gates: Sequence[Gate], margin: float = 0.0) -> list[str]:
    """What is not accepted, a line each: verdicts beyond `margin`, and what is lost, gone or missing.

    A row whose default parameters change is another row: what should be judged is no longer there.

    The margin is in points for a metric that is a fraction, else a share of the old value.
    """
    lines = [
        f"{change.row}: {change.metric} is {change.verdict} ({100 * change.difference:+.2f} "
        f"{unit(change)})"
        for change in comparison.changes
        for gate in gates
        if gate.covers(change.metric) and change.verdict == gate.verdict
        if abs(change.difference) >= margin
    ]
    if worse := [gate for gate in gates if gate.verdict == "worse"]:
        lines += [f"{lost.row}: {lost.reason}" for lost in comparison.lost]
        lines += [f"{row}: only in the old run, so it cannot be judged" for row in comparison.gone]
        judged = _judged()
        for missing in comparison.missing:
            gated = (n for n in missing.metrics if any(gate.covers(n) for gate in worse))
            if names := ", ".join(name for name in gated if name in judged):
                lines.append(f"{missing.row}: {names} cannot be judged: {missing.reason}")
    return list(dict.fromkeys(lines))


def unjudged(comparison: Comparison, gates: Sequence[Gate]) -> list[str]:
    """The rows that no gate could judge and that are accepted all the same, a line each."""
    if not gates:
        return []
    failing = comparison.gone if any(gate.verdict == "worse" for gate in gates) else ()
    rows = {"old": comparison.only_old, "new": comparison.only_new}
    return [
        f"{row}: only in the {run} run"
        for run, names in rows.items()
        for row in names
        if row not in failing or run == "new"
    ]


def idle(comparison: Comparison, gates: Sequence[Gate]) -> list[str]:
    """The metrics of the gates that could judge no row: a comparison of nothing proves nothing."""
    tested = {change.metric for change in comparison.changes if change.verdict != "untested"}
    return [gate.metric for gate in gates if not any(gate.covers(metric) for metric in tested)]


def unit(change: Change) -> str:
    """What `difference` times 100 is in."""
    return "points" if METRICS[change.metric].unit == "fraction" else "%"
