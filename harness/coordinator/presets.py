"""The presets of plugins: a worker imports each of them once, before any trial."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from harness.catalogue.plugins import Plugin
from harness.coordinator.processes.failures import unexpected
from harness.coordinator.processes.pool import Workers, asking, spread
from harness.plugin.parameters import Parameter, Presets
from harness.protocol.events import Described, Failed
from harness.protocol.requests import Describe

#: Importing a plugin takes seconds.
_DESCRIBE_SECONDS = 300.0


def describe(
    plugins: Sequence[Plugin], workers: Workers, jobs: int, threads: int, logs: Path
) -> dict[str, Presets | Failed]:
    """The presets of each plugin by its label, or why it has none; `logs`/LABEL.log has what it printed."""

    def ask(plugin: Plugin) -> tuple[str, Presets | Failed]:
        with asking(workers, plugin, logs / f"{plugin.label}.log", threads, "import") as ask_worker:
            event = ask_worker(Describe(plugin=plugin.location), _DESCRIBE_SECONDS)
        if isinstance(event, Described):
            parameters = {key: Parameter(**p) for key, p in event.parameters.items()}
            return plugin.label, Presets(parameters, event.values, event.sources, event.family)
        return plugin.label, event if isinstance(event, Failed) else unexpected(event)

    return dict(spread([partial(ask, plugin) for plugin in plugins], jobs, workers))
