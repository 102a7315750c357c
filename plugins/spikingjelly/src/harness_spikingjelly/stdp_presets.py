"""The parameters and presets of spikingjelly-stdp. Times are in steps."""

from __future__ import annotations

from harness.plugin import Presets
from harness.plugin.toolkit import stdp

PRESETS = Presets(
    parameters=stdp.PARAMETERS,
    values={
        "quick": stdp.QUICK,
        # Not called `source`: on mnist it takes some 20 minutes on one core. native-stdp's `source` is the
        # same experiment with larger batches; given the same batches, the weights are equal.
        "diehl-cook": {"*": stdp.DIEHL_COOK, "digits": stdp.DIEHL_COOK_DIGITS},
        "best": {
            "*": {"neurons": 400},
            "digits": {**stdp.BEST_DIGITS, "neurons": 400},
        },
        "best-100": {"*": {}, "digits": stdp.BEST_DIGITS},
    },
    reported={"diehl-cook": stdp.REPORTED},
)
