from __future__ import annotations

import os

from harness.catalogue.plugins import from_file
from harness.coordinator.presets import describe
from harness.coordinator.processes.pool import Workers
from harness.plugin.parameters import Presets
from tests.fixtures.forking import linux


def test_every_plugin_has_its_presets_or_the_reason_why_not(plugin_file, workers, logs):
    block = '# /// script\n# dependencies = ["no-such-thing"]\n# ///\n'
    plugins = [
        from_file(plugin_file("good", base="declared")),
        from_file(plugin_file("bad", "print('half-way')\nraise RuntimeError('no')")),
        from_file(plugin_file("dies", "import os; os._exit(3)")),
        from_file(plugin_file("hollow", "x = 1")),
        from_file(plugin_file("typo", "def f(:\n")),
        from_file(plugin_file("absent", block)),
    ]
    found = describe(plugins, workers, 2, 1, logs)
    assert set(found) == {plugin.name for plugin in plugins}
    assert isinstance(found["good"], Presets)
    assert found["good"].parameters["reset"].check("reset", "subtract") == "subtract"
    assert found["good"].offers("source", "mnist")
    assert not found["good"].offers("source", "digits")
    told = {name: (event.status, event.where) for name, event in found.items() if name != "good"}
    assert told == {
        "bad": ("failed", "import"),
        "dies": ("crashed", "import"),
        "hollow": ("invalid", "import"),
        "typo": ("failed", "import"),
        "absent": ("skipped", ""),
    }
    text = (logs / "bad.log").read_text()
    assert text.startswith("half-way\n")
    assert "RuntimeError: no" in text


@linux
def test_a_starter_that_dies_is_why_its_plugins_are_not_described(
    plugin_file, logs, fake_torch, distribution, monkeypatch
):
    site = distribution(
        "f", preload={"dying": "dies_of_it"}, modules={"dies_of_it": "import os; os._exit(6)"}
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))
    block = '# /// script\n# [tool.harness]\n# framework = "{}"\n# ///\n'
    bad = from_file(plugin_file("bad", block.format("dying"), base="declared"))
    good = from_file(plugin_file("good", block.format("fine"), base="declared"))
    with Workers(fork=True) as workers:
        found = describe([bad, good], workers, 2, 1, logs)
    assert isinstance(found["good"], Presets)
    assert (found["bad"].status, found["bad"].where) == ("crashed", "import")
    assert found["bad"].reason == "the process that imports dies_of_it ended with exit code 6"
