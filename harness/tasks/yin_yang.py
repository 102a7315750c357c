"""`yin-yang`: a point of the Yin-Yang figure, told by the times of five spikes.

Kriener, Goeltz and Petrovici 2022, "The Yin-Yang dataset", NICE 2022, DOI 10.1145/3517343.3517380,
with the sizes and the geometry of the paper. The figure is a disc of radius R_BIG = 0.5 in the unit
square. An S of two half circles, of radius R_BIG / 2, divides it into yin (class 0) and yang (class 1).
The third class is that of the two dots, of radius R_SMALL = 0.1, in the centres of the half circles.
Points are uniform in the square. A point outside the disc, or of another class than the sample is to
have, is rejected; so all classes are equally frequent (up to one sample in a split).

The inputs x, y, 1 - x and 1 - y are spike times between T_EARLY and T_LATE, linear in the value, and a
fifth input spikes at T_BIAS in every sample. Every input spikes once, so rates carry no information. The
values are mirrored because most of the neurons here have no bias.

Times are those of Goeltz et al. 2021 ("Fast and energy-efficient neuromorphic deep learning with
first-spike times", Nature Machine Intelligence 3), the spiking network for which the data were made:
t_early, t_bias and t_late are 0.15, 0.9 and 2 synaptic time constants. One time constant is 26.75 ms
here, hence 4, 24 and 53.5 ms, and a sample has 60 steps of 1 ms. (Wunderlich and Pehle 2021, "Event-based
backpropagation can compute exact gradients for spiking neural networks", Scientific Reports 11, use 10,
20 and 40 ms.) These papers have continuous time; here a spike is in the step nearest to its time. T_LATE -
T_EARLY is not an integer, so that x and 1 - x are rounded at different points and the two times together
tell x to half a step. The best possible classifier of the rounded times is right for 99.1 % of samples
drawn like these, and for 98.3 % if the range were 50 steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, Published, RawData, TaskSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

R_SMALL, R_BIG = 0.1, 0.5
STEPS, T_EARLY, T_BIAS, T_LATE = 60, 4.0, 24, 53.5
CLASSES = ("yin", "yang", "dots")
_SIZES = {"train": 5000, "validation": 1000, "test": 1000}
_SEED = 0
_REPOSITORY = "Kriener et al., github.com/lkriener/yin_yang_data_set"


def classes_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class of each point: an index of CLASSES, or -1 outside the disc."""
    import numpy as np

    from_centre = np.hypot(x - R_BIG, y - R_BIG)
    from_left = np.hypot(x - R_BIG / 2, y - R_BIG)
    from_right = np.hypot(x - 3 * R_BIG / 2, y - R_BIG)
    # Yin is the upper half of the disc, with the left half circle, without the right one.
    yin = (from_left <= R_BIG / 2) | ((y > R_BIG) & (from_right > R_BIG / 2))
    dots = np.minimum(from_left, from_right) <= R_SMALL
    return np.select([from_centre > R_BIG, dots, yin], [-1, 2, 0], default=1)


def _points(size: int, draws: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points [size, 2] and their classes [size], equally frequent up to one sample."""
    import numpy as np

    targets = draws.permutation(np.arange(size) % len(CLASSES))
    points = np.empty((size, 2))
    open_places = np.arange(size)
    while len(open_places):
        points[open_places] = draws.random((len(open_places), 2))
        classes = classes_of(*points[open_places].T)
        open_places = open_places[classes != targets[open_places]]
    return points, targets.astype(np.int64)


def _spikes(points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The spikes [N, STEPS, 5] of points [N, 2]."""
    import numpy as np

    values = np.concatenate([points, 1 - points], axis=1)
    steps = np.rint(T_EARLY + values * (T_LATE - T_EARLY)).astype(np.int64)
    steps = np.pad(steps, ((0, 0), (0, 1)), constant_values=T_BIAS)
    spikes: NDArray[np.uint8] = steps[:, None, :] == np.arange(STEPS)[:, None]
    return spikes.astype(np.uint8)


def _locate(*_: object) -> RawData:
    identity = f"yin-yang {_SEED} {R_SMALL} {R_BIG} {STEPS} {T_EARLY} {T_BIAS} {T_LATE}"
    facts = {"source": f"generated from seed {_SEED}: radii {R_SMALL} and {R_BIG}"}
    return RawData(identity, facts, _read)


def _read() -> Arrays:
    import numpy as np

    draws = np.random.default_rng(_SEED)
    splits = {}
    for name, size in _SIZES.items():
        points, targets = _points(size, draws)
        splits[name] = (_spikes(points), targets)
    return Arrays(splits, scale=1.0)


YIN_YANG = TaskSpec(
    name="yin-yang",
    description="yin, yang or dots: a point of the figure as the times of 5 spikes",
    input_shape=(5,),
    classes=len(CLASSES),
    sizes=_SIZES,
    locate=_locate,
    steps=STEPS,
    origin="generated",
    citation="Kriener, Goeltz and Petrovici 2022, The Yin-Yang dataset, NICE",
    shared_samples="times are rounded to 1 ms, so that near points become one sample",
    published=(
        Published("EventProp, exact gradients of spike times", 0.981, "Wunderlich and Pehle 2021"),
        Published("network without spikes, 120 hidden neurons", 0.987, _REPOSITORY),
        Published("network without spikes or hidden neurons", 0.643, _REPOSITORY),
    ),
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The one task of this module."""
    return [YIN_YANG]
