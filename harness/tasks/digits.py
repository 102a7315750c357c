"""`digits`: scikit-learn's embedded 8x8 digits, the default task; needs no download."""

from __future__ import annotations

from importlib.metadata import version

from harness.plugin.markers import hookimpl
from harness.plugin.tasks import Arrays, RawData, TaskSpec

_SIZES = {"train": 1257, "validation": 180, "test": 360}


def _locate(*_: object) -> RawData:
    installed = f"scikit-learn {version('scikit-learn')}"
    return RawData(installed, {"source": f"{installed}, load_digits"}, _read)


def _read() -> Arrays:
    # scikit-learn takes seconds to import, so only where the arrays are not in the cache.
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, targets = load_digits(return_X_y=True)
    inputs = images.astype(np.uint8).reshape(-1, 1, 8, 8)
    targets = targets.astype(np.int64)
    rest, test, rest_targets, test_targets = train_test_split(
        inputs, targets, test_size=_SIZES["test"], stratify=targets, random_state=0
    )
    train, validation, train_targets, validation_targets = train_test_split(
        rest, rest_targets, test_size=_SIZES["validation"], stratify=rest_targets, random_state=0
    )
    return Arrays(
        {
            "train": (train, train_targets),
            "validation": (validation, validation_targets),
            "test": (test, test_targets),
        },
        scale=16.0,
    )


DIGITS = TaskSpec(
    name="digits",
    description=(
        "8x8 grey digits of scikit-learn, embedded. It shows that a method works, and separates no "
        "methods: most reach about the same accuracy"
    ),
    input_shape=(1, 8, 8),
    classes=10,
    sizes=_SIZES,
    locate=_locate,
    origin="embedded in scikit-learn",
    source="https://archive.ics.uci.edu/dataset/80",
    licence="CC BY 4.0",
    citation="Alpaydin and Kaynak 1998, Optical recognition of handwritten digits, UCI repository",
)


@hookimpl
def harness_tasks() -> list[TaskSpec]:
    """The one task of this module."""
    return [DIGITS]
