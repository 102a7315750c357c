"""Accuracy at low contrast: from an evaluation under changed inputs."""

from harness.plugin import Change, MetricSpec, hookimpl


def fade(inputs, strength, generator):
    return 0.5 + (1 - strength) * (inputs - 0.5)


def half(evidence):
    return evidence.curve("fade")[0.5]


@hookimpl
def harness_metrics():
    faded = Change("fade", "contrast lost, share", (0.25, 0.5, 0.75), fade)
    meaning = "test accuracy at half the contrast"
    return [MetricSpec("faded", "Faded", "fraction", "more", meaning, half, changes=(faded,))]
