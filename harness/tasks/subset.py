"""Which samples of a split are used where not all of them are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def subset(total: int, limit: int | None) -> NDArray[Any] | None:
    """The places of `limit` of `total` samples, in ascending order; None where all of them are used.

    Drawn by a fixed permutation, so that every class has its share however the samples are sorted:
    N-MNIST's test files lie class by class. A larger limit has the samples of a smaller one too.
    RandomState's stream is frozen by numpy's policy: the places are the same in every version.
    """
    import numpy as np

    if limit is None or limit >= total:
        return None
    return np.sort(np.random.RandomState(0).permutation(total)[:limit])
