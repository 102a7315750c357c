"""Our own plugins pass the conformance suite, as any author's have to."""

from __future__ import annotations

import pytest

from harness.catalogue.plugins import discover
from harness.coordinator.conformance import check
from harness.coordinator.processes.pool import Workers

OURS = [plugin for plugin in discover() if plugin.distribution.startswith("snn-harness-")]


@pytest.fixture(scope="module")
def workers():
    """Starters that all checks share: each framework is imported once."""
    with Workers() as workers:
        yield workers


@pytest.mark.parametrize(
    "plugin",
    [
        pytest.param(plugin, id=plugin.name, marks=getattr(pytest.mark, plugin.framework))
        for plugin in OURS
    ],
)
def test_the_plugin_passes_every_check(plugin, workers):
    if plugin.status != "ready":
        pytest.skip(plugin.reason)
    results = check(plugin.name, quick=True, workers=workers)
    assert not [result.line for result in results if result.status == "failed"]
    assert {result.check for result in results if result.status == "skipped"} <= {
        "devices", "spikes" if plugin.name in ("ann-relu", "native-relu-spike") else "",
    }  # fmt: skip
