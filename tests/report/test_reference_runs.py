"""The reports of the reference runs are those that `harness report` makes of their folders.

`python tests/report/test_reference_runs.py` rebuilds them all.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import harness

RUNS = sorted((Path(__file__).parents[2] / "results").glob("reference-*"))
#: What is left out of the comparison: the figures, whose drawing takes seconds a run.
FIGURES = re.compile(
    r"^## Figures\n.*?(?=^## )|^Figures left out: .*?\n\n|^This report was made without figures.\n\n",
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
def test_a_committed_report_is_what_harness_report_makes(path, tmp_path):
    copy = shutil.copytree(path, tmp_path / path.name)
    harness.load(copy).report(figures=False)
    committed, again = ((p / "report.md").read_text("utf-8") for p in (path, copy))
    assert FIGURES.sub("", again) == FIGURES.sub("", committed), f"run: python {__file__}"
    assert (copy / "summary.csv").read_text("utf-8") == (path / "summary.csv").read_text("utf-8")


if __name__ == "__main__":
    for run in RUNS:
        harness.load(run).report()
