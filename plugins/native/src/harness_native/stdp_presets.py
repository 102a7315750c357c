"""The parameters and presets of native-stdp. Times are in steps."""

from __future__ import annotations

from harness.plugin import Presets
from harness.plugin.toolkit import stdp
from harness.plugin.toolkit.diehl_cook import cited

PRESETS = Presets(
    parameters=stdp.PARAMETERS,
    values={
        "quick": stdp.QUICK,
        "near-source": {
            "*": {**stdp.DIEHL_COOK, "batch_size": 64},
            "digits": {**stdp.DIEHL_COOK_DIGITS, "batch_size": 16},
        },
        "best": {
            "*": {"neurons": 1600, "batch_size": 64, "epochs": 8},
            "digits": {**stdp.BEST_DIGITS, "neurons": 400},
        },
        "best-400": {
            "*": {"neurons": 400, "batch_size": 64, "epochs": 8},
            "digits": {**stdp.BEST_DIGITS, "neurons": 400},
        },
        "best-100": {
            "*": {"batch_size": 64, "epochs": 4},
            "digits": stdp.BEST_DIGITS,
        },
    },
    sources={"near-source": cited("64 images are presented at once (16 of digits); there one is.")},
)
