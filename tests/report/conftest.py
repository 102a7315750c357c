from __future__ import annotations

import pytest

from harness.report.build import build_report

from .synthetic_run import HOSTILE, run_facts, run_records


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
