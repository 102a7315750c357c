import numpy as np

from harness.metrics.per_class import by_class, harness_metrics
from harness.plugin import Evidence


def test_each_class_has_its_accuracy_and_one_without_samples_has_none():
    labels, predictions = np.array([0, 0, 1, 1, 3]), np.array([0, 1, 1, 1, 0])
    evidence = Evidence(labels, predictions, predictions[None], np.zeros((5, 4)), 4)
    assert by_class(evidence) == {"0": 0.5, "1": 1.0, "3": 0.0}
    lowest, _ = harness_metrics()
    assert lowest.compute(evidence) == 0
