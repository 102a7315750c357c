import numpy as np
import pytest

from harness.metrics.calibration import BINS, confidences, expected_calibration_error


def test_right_as_often_as_confident_is_no_error():
    confidence = np.full(10, 0.7)
    right = np.arange(10) < 7
    assert expected_calibration_error(confidence, right.astype(float)) == pytest.approx(0)


def test_the_error_is_that_of_the_definition():
    draws = np.random.default_rng(0)
    confidence, right = draws.uniform(0.1, 1, 500), draws.integers(0, 2, 500).astype(float)
    expected = 0.0
    for place in range(BINS):
        inside = (confidence > place / BINS) & (confidence <= (place + 1) / BINS)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(confidence, right) == pytest.approx(expected)


def test_errors_of_opposite_signs_cancel_within_a_bin_only():
    right = np.array([1.0, 0.0])
    assert expected_calibration_error(np.array([0.5, 0.5]), right) == pytest.approx(0)
    assert expected_calibration_error(np.array([0.5, 0.99]), right) == pytest.approx(0.745)


def test_scores_are_a_softmax_away_from_confidence_and_probabilities_are_confidence():
    scores = np.array([[0.0, np.log(3)], [1000.0, 0.0]], np.float32)
    assert confidences(scores) == pytest.approx([0.75, 1])
    assert confidences(np.array([[0.25, 0.75], [0.6, 0.4]])) == pytest.approx([0.75, 0.6])
