from __future__ import annotations

import pytest

from harness.report.build import build_report

from .synthetic_run import HOSTILE, description, run_records, session


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The folder of the synthetic run's report."""
    folder = tmp_path_factory.mktemp("run")
    build_report(folder, description(), run_records(), ["line 12: no valid JSON"])
    return folder


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory):
    """The same with a name in every place that tries to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    records = []
    for record in run_records():
        if record.row.plugin in {"ann-relu", "sinabs-lif"}:
            plugin = HOSTILE + record.row.plugin
            row = {"plugin": plugin, "framework": HOSTILE, "params": {HOSTILE: HOSTILE}}
            changes = {"row": record.row.model_copy(update=row), "log": HOSTILE, "reason": HOSTILE}
            changes |= {"metrics": record.metrics | {"reference_accuracy": {HOSTILE: 0.5}}}
            if record.kind == "trial":
                changes |= {"scalars": {HOSTILE: 1.0}}
                changes |= {"history": [{**epoch, HOSTILE: 1.0} for epoch in record.history]}
                changes |= {"layers": [{**layer, "name": HOSTILE} for layer in record.layers]}
            record = record.model_copy(update=changes)
        records.append(record)
    own = session(command=f"harness {HOSTILE}", config={HOSTILE: {HOSTILE: HOSTILE}})
    build_report(folder, description(own), records, [HOSTILE])
    return folder
