"""The parameters and presets of spikingjelly-stdp. Times are in steps."""

from __future__ import annotations

from harness.plugin import Presets
from harness.plugin.toolkit import stdp
from harness.plugin.toolkit.diehl_cook import cited

PRESETS = Presets(
    parameters=stdp.PARAMETERS,
    values={
        "quick": stdp.QUICK,
        # On mnist it takes some 20 minutes on one core. native-stdp's `near-source` is the same
        # experiment with larger batches; given the same batches, the weights are equal.
        "near-source": {"*": stdp.DIEHL_COOK, "digits": stdp.DIEHL_COOK_DIGITS},
        "best": {
            "*": {"neurons": 400},
            "digits": {**stdp.BEST_DIGITS, "neurons": 400},
        },
        "best-100": {"*": {}, "digits": stdp.BEST_DIGITS},
    },
    sources={"near-source": cited("16 images are presented at once; there one is.")},
)
