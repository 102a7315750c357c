"""Compiled variants beside the networks as they are."""

from __future__ import annotations

import numpy as np
import pytest

from harness.report.numbers import ABSENT
from harness.report.rows import network_rows
from harness.report.variants import compiled, of_row
from harness.results.record import Outliers, Series, Variant, Versus
from harness.results.summary import summarise

from .synthetic_run import record, row_of, run_records, timing

VERSUS = Versus(ratio=0.61, low=0.58, high=0.64, p=0.001, verdict="faster")
CALLS = Outliers(count=0, calls=9, slowest=1)
COMPILE = Variant(
    status="ok",
    metrics={
        "latency_ms": {"median": 0.5, "low": 0.4, "high": 0.6, "n": 12},
        "inference_throughput": {"median": 2e5, "low": 1.9e5, "high": 2.1e5, "n": 12},
        "compile_seconds": 12.3,
    },
    series={"latency": Series(batch=1, rounds=12, outliers=CALLS, versus=VERSUS)},
)
GRAPHS = Variant(status="skipped", reason="CUDA graphs need a CUDA device")


@pytest.fixture
def rows():
    def make(facts=None, **variants):
        row = row_of("native-dfa")
        timed = timing("native-dfa", np.random.default_rng(0), baseline=row.key)
        timed = timed.model_copy(update={"variants": variants})
        trial = record("native-dfa").model_copy(update={"row": row, "facts": facts or {}})
        return network_rows(summarise([trial, timed]))

    return make


def cells(table):
    return [[str(cell) for cell in line] for line in table.lines]


def test_a_variant_is_told_as_a_ratio_to_the_eager_network_with_its_compile_time(rows):
    (line,) = cells(compiled(rows(compile=COMPILE)))
    assert line == [
        "native-dfa", "compile", "0.50 ms [0.40, 0.60]", "0.61 times [0.58, 0.64], faster",
        "200 k [190, 210]", ABSENT, "12.3 s", "",
    ]  # fmt: skip


def test_a_variant_that_could_not_be_has_its_reason(rows):
    one, other = cells(compiled(rows(compile=COMPILE, graphs=GRAPHS)))
    assert one[1] == "compile"
    assert other[1:] == ["graphs", *[ABSENT] * 5, "skipped: CUDA graphs need a CUDA device"]


def test_nothing_is_compared_with_a_refuted_network(rows):
    (line,) = cells(compiled(rows({"reload": "it answers otherwise"}, compile=COMPILE)))
    assert line[0] == "native-dfa (refuted)"
    assert line[3] == ABSENT


def test_without_variants_there_is_no_table(rows):
    assert compiled(rows()) is None
    assert compiled(network_rows(summarise(run_records()))) is None


def test_a_card_tells_each_variant_in_a_line(rows):
    (row,) = rows(compile=COMPILE, graphs=GRAPHS)
    told = dict(of_row(row))
    assert told["graphs"] == "skipped: CUDA graphs need a CUDA device"
    assert told["compile"] == (
        "Latency: 0.50 ms [0.40, 0.60], 0.61 times [0.58, 0.64], faster (time against eager); "
        "Inference / s: 200 k [190, 210]; Compiling: 12.3 s"
    )
