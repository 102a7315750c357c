"""The accuracy on the test samples of each class."""

from __future__ import annotations

from harness.plugin import Evidence, MetricSpec, hookimpl


def by_class(evidence: Evidence) -> dict[str, float]:
    """The fraction of each class's test samples that is classified correctly; of those that have any."""
    right = evidence.predictions == evidence.labels
    members = {number: evidence.labels == number for number in range(evidence.classes)}
    return {
        str(number): float(right[member].mean())
        for number, member in members.items()
        if member.any()
    }


def _lowest(evidence: Evidence) -> float:
    return min(by_class(evidence).values())


@hookimpl
def harness_metrics() -> list[MetricSpec]:
    """The accuracy of each class, and the lowest of them."""
    return [
        MetricSpec(
            name="lowest_class_accuracy",
            title="Lowest class accuracy",
            unit="fraction",
            better="more",
            place="table",
            compute=_lowest,
            meaning="test accuracy on the class whose samples are classified worst",
        ),
        MetricSpec(
            name="class_accuracy",
            title="Class accuracy",
            unit="fraction",
            better="more",
            combine="named",
            place="record",
            compute=by_class,
            meaning="test accuracy on the samples of each class, by the number of the class",
        ),
    ]
