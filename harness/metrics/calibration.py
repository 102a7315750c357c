"""Calibration error: how far the confidence of a network is from how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.plugin import Evidence, MetricSpec, hookimpl

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bins of equal width over the confidence, as in Guo et al. 2017.
BINS = 15


def confidences(scores: NDArray[Any]) -> NDArray[Any]:
    """The largest of the softmax of each sample's scores [N, C]; of probabilities, the largest itself."""
    import numpy as np

    scores = scores.astype(np.float64)
    if not ((scores >= 0).all() and np.allclose(scores.sum(1), 1, atol=1e-4)):
        scores = np.exp(scores - scores.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
    largest: NDArray[Any] = scores.max(1)
    return largest


def expected_calibration_error(confidence: NDArray[Any], right: NDArray[Any]) -> float:
    """The mean over samples of |accuracy - confidence| of their bin: (0, 1/15], (1/15, 2/15], ...

    Guo, Pleiss, Sun and Weinberger 2017, On Calibration of Modern Neural Networks, equation 3.
    """
    import numpy as np

    place = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(int)
    surplus = np.bincount(place, right - confidence, minlength=BINS)
    return float(np.abs(surplus).sum() / len(confidence))


def _compute(evidence: Evidence) -> float:
    right = evidence.predictions == evidence.labels
    return expected_calibration_error(confidences(evidence.scores), right.astype(float))


@hookimpl
def harness_metrics() -> list[MetricSpec]:
    """The expected calibration error."""
    return [
        MetricSpec(
            name="calibration_error",
            title="Calibration error",
            unit="fraction",
            better="less",
            place="table",
            compute=_compute,
            meaning=f"""\
expected calibration error (Guo et al. 2017): the mean difference of confidence and accuracy over {BINS} \
bins of equal width; the confidence is the largest of the softmax of the scores after the last step, or of \
the scores themselves where they are probabilities""",
        )
    ]
