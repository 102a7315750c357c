"""`harness.run_layers` and its folder: the Python side of `harness layers`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.catalogue.plugins import LAYER_GROUP, discover, select
from harness.results.layers import LayerRecord, LayersFolder, check_free
from harness.coordinator import environment
from harness.coordinator.api import RESULTS, choose_device
from harness.coordinator.layers_bench import Bench
from harness.coordinator.layers_config import make_layers_config
from harness.coordinator.listener import Listener


@dataclass(frozen=True)
class LayersRun:
    """A folder of `harness layers` and its records."""

    path: Path
    records: list[LayerRecord]

    def report(self) -> list[Path]:
        """Rebuilds the tables, the figures and the page from the records; returns what it wrote."""
        from harness.report.layers import build_layers_report

        return build_layers_report(self.path, LayersFolder(self.path).description(), self.records)


def load_layers(path: str | Path) -> LayersRun:
    """What lies at `path`; UsageError where that is no folder of `harness layers`."""
    folder = LayersFolder.open(Path(path))
    return LayersRun(folder.path, folder.records())


def run_layers(
    plugins: str | Sequence[str] = "all",
    *,
    out: str | Path | None = None,
    listener: Listener | None = None,
    command: str = "",
    **options: Any,
) -> LayersRun:
    """The same as `harness layers`; `options` are the fields of `LayersConfig`."""
    patterns = plugins.split(",") if isinstance(plugins, str) else tuple(plugins)
    config = make_layers_config(plugins=tuple(patterns), **options)
    path = Path(out) if out is not None else default_folder()
    selected = select(config.plugins, discover(LAYER_GROUP))
    device = choose_device(config.device)
    check_free(path)
    description = {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": config.model_dump(mode="json"),
        "environment": environment.describe(selected),
    }
    folder = LayersFolder.create(path, description)
    with folder.run.locked(), ExitStack() as stack:
        Bench(config, device, folder, listener or Listener(), stack).carry_out(selected)
    finished = load_layers(path)
    finished.report()
    return finished


def default_folder() -> Path:
    """results/<time>-layers, the time in UTC."""
    return RESULTS / f"{datetime.now(UTC).strftime('%Y%m%d-%H%M%S')}-layers"
