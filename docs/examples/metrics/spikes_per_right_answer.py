"""Spikes for a right answer: from the activity that the host counted."""

from harness.plugin import MetricSpec, Unsupported, hookimpl


def spikes(evidence):
    if "spikes_per_sample" not in evidence.metrics or not evidence.metrics["test_accuracy"]:
        raise Unsupported("it has no recorded spikes, or no right answer")
    return evidence.metrics["spikes_per_sample"] / evidence.metrics["test_accuracy"]


@hookimpl
def harness_metrics():
    meaning = "spikes of all test samples, divided by the number that is classified correctly"
    return [MetricSpec("spikes_per_right", "Spikes / right", "count", "less", meaning, spikes)]
