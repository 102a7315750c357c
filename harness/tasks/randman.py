"""`randman`: spikes whose timing alone tells the class, drawn from smooth random manifolds.

Zenke and Vogels 2021, "The remarkable robustness of surrogate gradient learning for instilling
complex function in spiking neural networks", Neural Computation 33, sec. "Random manifolds". Every
class is a random smooth curve through the cube [0, 1]^units; a sample is a point of its class's
curve, and each unit fires once, at the time that the point's coordinate says. All units fire in
every sample, so rates carry no information.
"""

from __future__ import annotations

from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec

STEPS, UNITS, CLASSES = 100, 20, 10
_SIZES = {"train": 8000, "validation": 1000, "test": 1000}
#: How fast the amplitudes of a curve's harmonics fall, 1 / k^_SMOOTHNESS, and how many there are.
_SMOOTHNESS, _HARMONICS = 1.0, 50
_SEED = 0


def _locate(*_: object) -> RawData:
    identity = f"randman {_SEED} {_SMOOTHNESS} {_HARMONICS} {CLASSES} {UNITS} {STEPS}"
    facts = {"source": f"generated from seed {_SEED}: {CLASSES} curves, smoothness {_SMOOTHNESS}"}
    return RawData(identity, facts, _read)


def _read() -> Arrays:
    import numpy as np

    draws = np.random.default_rng(_SEED)
    each = sum(_SIZES.values()) // CLASSES
    places = draws.random((CLASSES, each, 1, 1))
    harmonic = np.arange(1, _HARMONICS + 1)
    shape = (CLASSES, 1, UNITS, _HARMONICS)
    amplitude, frequency, phase = (draws.random(shape) for _ in range(3))
    waves = np.sin(2 * np.pi * (harmonic * places * frequency + phase))
    values = (amplitude / harmonic**_SMOOTHNESS * waves).sum(-1)  # [classes, samples, units]
    low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
    times = ((values - low) / (high - low) * (STEPS - 1)).round().astype(np.int64)
    spikes = (times[..., None, :] == np.arange(STEPS)[:, None]).astype(np.uint8)
    targets = np.repeat(np.arange(CLASSES), each)
    order = draws.permutation(len(targets))
    inputs, targets = spikes.reshape(-1, STEPS, UNITS)[order], targets[order]
    ends = np.cumsum(list(_SIZES.values()))[:-1]
    parts = zip(_SIZES, np.split(inputs, ends), np.split(targets, ends), strict=True)
    return Arrays({name: (x, y) for name, x, y in parts}, scale=1.0)


RANDMAN = TaskSpec(
    name="randman",
    description=f"{CLASSES} random manifolds in the spike times of {UNITS} units",
    input_shape=(UNITS,),
    classes=CLASSES,
    sizes=_SIZES,
    locate=_locate,
    steps=STEPS,
    origin="generated",
    shared_samples="times are rounded to steps, so that near points of a curve become one sample",
    citation="Zenke and Vogels 2021, The remarkable robustness of surrogate gradient learning, Neural "
    "Computation 33",
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The one task of this module."""
    return [RANDMAN]
