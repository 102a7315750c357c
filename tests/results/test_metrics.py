from __future__ import annotations

import typing

from harness.results import metrics
from harness.results.metrics import METRICS, REGISTRY, of


def test_names_and_titles_are_unique():
    assert len(METRICS) == len(REGISTRY)
    assert len({metric.title for metric in REGISTRY}) == len(REGISTRY)


def test_every_metric_says_what_it_is_and_where_it_is():
    kinds = set(typing.get_args(metrics.Of))
    for metric in REGISTRY:
        assert metric.meaning
        assert metric.of
        assert set(metric.of) <= kinds


def test_a_kind_of_records_has_its_metrics_in_the_registrys_order():
    names = [metric.name for metric in of("layer-timing")]
    assert names == [metric.name for metric in REGISTRY if metric.name in names]
    assert "total_ms" in names
    assert "test_accuracy" not in names
