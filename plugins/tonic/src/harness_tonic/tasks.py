"""`nmnist`, `shd` and `dvs-gesture`: recordings of events, as spikes in time steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.plugin import Arrays, Loader, Parameter, RawData, TaskSpec, Value, hookimpl
from harness_tonic.frames import spikes_of
from harness_tonic.sets import TonicSet, located

SEPARATE, MERGED = "separate", "merged"
NMNIST = TonicSet("NMNIST", ("Train/**/*.bin", "Test/**/*.bin"))
SHD = TonicSet("SHD", ("shd_train.h5", "shd_test.h5"))
GESTURE = TonicSet("DVSGesture", ("ibmGestureTrain/**/*.npy", "ibmGestureTest/**/*.npy"))

#: The shape of one step, with all polarities.
_SHAPES: dict[str, tuple[int, ...]] = {
    "NMNIST": (2, 34, 34), "SHD": (700,), "DVSGesture": (2, 128, 128)
}  # fmt: skip


def _locate(
    data_set: TonicSet,
    shape: tuple[int, ...],
    setting: tuple[int, float, bool],
    data: Sequence[Path],
    download_to: Path,
    say: Callable[[str], None],
) -> RawData:
    root = located(data_set, data, download_to, say)
    lasting, now = data_set.identity(root)
    tonic = version("tonic")
    facts = {
        "source": f"{data_set.name}, loaded by tonic {tonic}",
        "names_and_sizes": lasting,
        "verified": data_set.verified(root),
    }
    read = partial(_read, data_set, root, shape, setting)
    return RawData(f"{tonic} {now} {setting}", facts, read)


def _look(data_set: TonicSet, data: Sequence[Path]) -> list[str]:
    root = data_set.folder(data)
    if root:
        return [f"in {root / data_set.name}"]
    places = ", ".join(str(folder / data_set.name) for folder in data)
    return [f"in none of {places} (looked for {' and '.join(data_set.parts)})"]


def _read(
    data_set: TonicSet, root: Path, shape: tuple[int, ...], setting: tuple[int, float, bool]
) -> Arrays:
    import numpy as np

    opened = {name: data_set.opened(root, name == "train") for name in ("train", "test")}
    order = np.random.RandomState(0).permutation(len(opened["train"]))
    held = max(1, len(order) // 10)
    places = {
        "train": ("train", order[:-held]),
        "validation": ("train", order[-held:]),
        "test": ("test", np.arange(len(opened["test"]))),
    }
    steps, bin_ms, merged = setting
    splits: dict[str, tuple[Any, Any]] = {}
    for split, (part, index) in places.items():
        samples, numbers = opened[part], index.tolist()

        def load(i: int, samples: Any = samples, numbers: Any = numbers) -> Any:
            events, _ = samples[numbers[i]]
            spikes = spikes_of(events, samples.sensor_size, steps, bin_ms, merged)
            return spikes.reshape(steps, *shape)

        # A set in one file has no list of its targets: they come with the events.
        targets = samples.targets or [samples[i][1] for i in range(len(samples))]
        labels = np.asarray(targets, dtype=np.int64)[index]
        splits[split] = (Loader(len(numbers), (steps, *shape), "uint8", load), labels)
    return Arrays(splits)


def _task(
    name: str,
    data_set: TonicSet,
    classes: int,
    defaults: dict[str, Value],
    about: dict[str, Any],
    steps: int,
    bin_ms: float,
    polarity: str = SEPARATE,
) -> TaskSpec:
    merged = polarity == MERGED
    shape = _SHAPES[data_set.name]
    shape = (1, *shape[1:]) if merged else shape
    parameters = {
        "steps": Parameter(defaults["steps"], "number of time steps", low=1),
        "bin_ms": Parameter(
            defaults["bin_ms"], "milliseconds of a step; 0: equal parts of each recording", low=0.0
        ),
    }
    if "polarity" in defaults:
        parameters["polarity"] = Parameter(
            SEPARATE, "two inputs for each pixel, or one", choices=(SEPARATE, MERGED)
        )
    return TaskSpec(
        name=name,
        classes=classes,
        input_shape=shape,
        steps=steps,
        step_ms=bin_ms or 1.0,
        locate=partial(_locate, data_set, shape, (steps, bin_ms, merged)),
        look=partial(_look, data_set),
        origin="looked for in --data and HARNESS_DATA, else downloaded by tonic",
        shared_samples="the published set is used as it is; different events may give equal spikes",
        parameters=parameters,
        variant=partial(_task, name, data_set, classes, defaults, about),
        **about,
    )


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The tasks with their parameters' defaults."""
    camera: dict[str, Value] = {"polarity": SEPARATE}
    return [
        _task(
            "nmnist",
            NMNIST,
            10,
            {"steps": 30, "bin_ms": 10.0, **camera},
            {
                "description": "MNIST's digits, recorded by an event camera in three saccades",
                "source": "https://www.garrickorchard.com/datasets/n-mnist",
                "licence": "CC BY-SA 4.0",
                "citation": "Orchard, Jayawant, Cohen and Thakor 2015, Converting static image datasets "
                "to spiking neuromorphic datasets using saccades",
            },
            steps=30,
            bin_ms=10.0,
        ),
        _task(
            "shd",
            SHD,
            20,
            {"steps": 100, "bin_ms": 10.0},
            {
                "description": "spoken digits in English and German, as spikes of a cochlea model",
                "source": "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/",
                "licence": "CC BY 4.0",
                "citation": "Cramer, Stradmann, Schemmel and Zenke 2020, The Heidelberg spiking data "
                "sets for the systematic evaluation of spiking neural networks",
            },
            steps=100,
            bin_ms=10.0,
        ),
        _task(
            "dvs-gesture",
            GESTURE,
            11,
            {"steps": 20, "bin_ms": 0.0, **camera},
            {
                "description": "gestures of the arms, recorded by an event camera",
                "source": "http://research.ibm.com/dvsgesture/",
                "licence": "CC BY 4.0",
                "citation": "Amir et al. 2017, A low power, fully event-based gesture recognition "
                "system, CVPR",
            },
            steps=20,
            bin_ms=0.0,
        ),
    ]
