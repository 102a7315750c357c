"""`delayed-match`: are two patterns, shown one after the other with a delay between them, the same?

The delayed match-to-sample task of neuroscience, as a task for spiking networks in Kim, Li and
Sejnowski 2019, "Simple framework for constructing functional spiking recurrent neural networks", PNAS
116, 22811-22820, whose "XOR" task is the one with two patterns. It needs a memory: the first pattern
(the sample) is over DELAY steps before the second one (the test) begins. A network that has forgotten the
sample by then can only add what each pattern alone says, and no such sum is right for more than
ADDITIVE_BOUND of the trials, whichever steps it is read from.

There are PATTERNS groups of UNITS_EACH units. A pattern is its group firing at RATE for SHOWN steps; all
other units, and all of them during the delay, fire at BACKGROUND. Spikes are drawn independently for each
step. Sample and test are the same pattern in half of the trials, and all pairs of a kind are equally
probable.
"""

from __future__ import annotations

from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec

PATTERNS, UNITS_EACH = 2, 10
SHOWN, DELAY = 15, 30
STEPS = SHOWN + DELAY + SHOWN
RATE, BACKGROUND = 0.3, 0.02
#: With two patterns, a sum is right for three of the four pairs at most.
ADDITIVE_BOUND = 0.75
_SIZES = {"train": 4000, "validation": 500, "test": 1000}
_SEED = 0


def _locate(*_: object) -> RawData:
    identity = f"delayed-match {_SEED} {PATTERNS} {UNITS_EACH} {SHOWN} {DELAY} {RATE} {BACKGROUND} {_SIZES}"
    facts = {
        "source": f"generated from seed {_SEED}: {PATTERNS} patterns, a delay of {DELAY} steps"
    }
    return RawData(identity, facts, _read)


def _read() -> Arrays:
    import numpy as np

    draws = np.random.default_rng(_SEED)
    splits = {}
    for name, size in _SIZES.items():
        samples = np.arange(size)
        same = draws.permutation(samples % 2)
        first = draws.integers(PATTERNS, size=size)
        other = (first + draws.integers(1, PATTERNS, size=size)) % PATTERNS
        shown = np.zeros((size, STEPS, PATTERNS), dtype=bool)
        shown[samples, :SHOWN, first] = True
        shown[samples, SHOWN + DELAY :, np.where(same, first, other)] = True
        rates = np.where(np.repeat(shown, UNITS_EACH, axis=2), RATE, BACKGROUND)
        spikes = (draws.random(rates.shape) < rates).astype(np.uint8)
        splits[name] = (spikes, same.astype(np.int64))
    return Arrays(splits, scale=1.0)


DELAYED_MATCH = TaskSpec(
    name="delayed-match",
    description=f"one of {PATTERNS} patterns, and {DELAY} steps later the same one or another",
    input_shape=(PATTERNS * UNITS_EACH,),
    classes=2,
    sizes=_SIZES,
    locate=_locate,
    steps=STEPS,
    origin="generated",
    citation="Kim, Li and Sejnowski 2019, Simple framework for constructing functional spiking recurrent "
    "neural networks, PNAS 116",
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The one task of this module."""
    return [DELAYED_MATCH]
