"""Refusals name the task and the reason."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from harness.plugin import SPIKE_TRAIN, Task, Unsupported
from harness.plugin.toolkit.requirements import (
    require_classification,
    require_static_classification,
)

STATIC = Task("digits", "classification", (8,), 10, 100)
SPIKES = Task("randman", "classification", (8,), 10, 100, steps=50)
FIT = Task("fit", SPIKE_TRAIN, (8,), 1, 1, steps=50)


def test_what_is_supported_passes():
    require_classification(STATIC)
    require_classification(SPIKES)
    require_static_classification(STATIC)


@pytest.mark.parametrize("require", [require_classification, require_static_classification])
def test_fitting_is_no_classification(require):
    with pytest.raises(Unsupported, match="classifies, and fit is a spike-train task"):
        require(FIT)


def test_spike_trains_are_not_static():
    with pytest.raises(Unsupported, match="static inputs, and those of randman are spike trains"):
        require_static_classification(SPIKES)
