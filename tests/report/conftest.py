from __future__ import annotations

import pytest
from synthetic_run import run_facts, run_records

from harness.report.build import build_report

HOSTILE = "<script>alert(1)</script> | $x^$ --> [red]\n=cmd\x1b[31m\u202e\ud800 \u4f60 `a` \"'"


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The folder of the synthetic run's report."""
    folder = tmp_path_factory.mktemp("run")
    build_report(folder, run_facts(), run_records(), ["line 12: no valid JSON"])
    return folder


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory):
    """The same with a name in every place that tries to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    records = []
    for record in run_records():
        if record.label in {"ann-relu", "sinabs-lif"}:
            label = HOSTILE + record.label
            changes = {"plugin": label, "label": label, "key": label + str(record.seed)}
            changes |= {"framework": HOSTILE, "log": HOSTILE, "params": {HOSTILE: HOSTILE}}
            changes |= {"reason": HOSTILE, "metrics": record.metrics | {"=evil": 1.0}}
            changes |= {"history": [{**epoch, HOSTILE: 1.0} for epoch in record.history]}
            changes |= {"layers": [{**layer, "name": HOSTILE} for layer in record.layers]}
            record = record.model_copy(update=changes)
        records.append(record)
    facts = run_facts() | {"command": ["harness", HOSTILE], HOSTILE: {HOSTILE: HOSTILE}}
    build_report(folder, facts, records, [HOSTILE])
    return folder
