"""The parameters and presets of spikingjelly-conversion."""

from __future__ import annotations

from harness.plugin import Parameter, Presets
from harness.plugin.toolkit import conversion, relu
from harness.plugin.toolkit.parameters import with_defaults

PRESETS = Presets(
    parameters={
        **with_defaults(conversion.PARAMETERS, steps=32),
        "mode": Parameter(
            "99.9%",
            "scale of a layer from a batch's activations: Max, or a percentile such as 99.9%",
            pattern=r"Max|100%|[1-9]\d?(\.\d+)?%",
        ),
        "momentum": Parameter(
            0.1, "share of the newest batch in a layer's scale", low=1e-6, high=1
        ),
        "initial_membrane": Parameter(
            0.5, "membrane potential before the first step, in thresholds", choices=(0.0, 0.5)
        ),
    },
    values={"quick": relu.QUICK, "best": relu.BEST, "conv": conversion.CONV_VALUES},
)
