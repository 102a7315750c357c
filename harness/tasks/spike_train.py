"""`spike-train` and `spike-pattern`: output neurons spike at given times for a fixed noise input.

After Zenke and Ganguli 2018, "SuperSpike: supervised learning in multilayer spiking neural
networks". The inputs are Poisson spike trains, drawn once for each pattern. Every seed of a trial
has its own pattern.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.plugin import SPIKE_TRAIN as KIND
from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEPS, INPUTS, RATE_HZ = 500, 100, 10
SPIKES, PATTERNS = 5, 64


def _locate(outputs: int, *_: object) -> RawData:
    identity = f"spike trains {outputs} {STEPS} {INPUTS} {RATE_HZ} {SPIKES} {PATTERNS}"
    facts = {"source": f"generated: pattern k of {PATTERNS} from seed k"}
    return RawData(identity, facts, partial(_read, outputs))


def _read(outputs: int) -> Arrays:
    import numpy as np

    patterns = [_pattern(np.random.default_rng(seed), outputs) for seed in range(PATTERNS)]
    inputs, targets = (np.stack(parts) for parts in zip(*patterns, strict=True))
    return Arrays({"patterns": (inputs, targets)}, scale=1.0)


def _pattern(
    draws: np.random.Generator, outputs: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Input [STEPS, INPUTS] and target [STEPS, outputs] spikes.

    Target spikes are equidistant. Those of a single neuron lie in the middle of their intervals; of
    several neurons, each has its own shift of up to a quarter of an interval.
    """
    import numpy as np

    inputs = draws.random((STEPS, INPUTS)) < RATE_HZ / 1000
    interval = STEPS // SPIKES
    shift = draws.integers(-interval // 4, interval // 4 + 1, outputs) if outputs > 1 else 0
    times = interval * np.arange(SPIKES)[:, None] + interval // 2 + shift
    targets = np.zeros((STEPS, outputs), dtype=np.uint8)
    targets[times, np.arange(outputs)] = 1
    return inputs.astype(np.uint8), targets


def _spec(name: str, outputs: int, description: str) -> TaskSpec:
    return TaskSpec(
        name=name,
        kind=KIND,
        description=description,
        input_shape=(INPUTS,),
        classes=outputs,
        sizes={"patterns": PATTERNS},
        locate=partial(_locate, outputs),
        steps=STEPS,
        origin="generated",
        citation="after Zenke and Ganguli 2018, SuperSpike, Neural Computation 30",
    )


SPIKE_TRAIN = _spec(
    "spike-train",
    1,
    f"one neuron, {SPIKES} equidistant spikes in {STEPS} ms, from {INPUTS} Poisson inputs",
)
SPIKE_PATTERN = _spec(
    "spike-pattern", 10, f"ten neurons, {SPIKES} spikes each at times of their own"
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The tasks of this module."""
    return [SPIKE_TRAIN, SPIKE_PATTERN]
