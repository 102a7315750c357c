"""The paths among the options, as seen from here, and the folder of the cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.catalogue.functions import split_function


def cache_folder() -> Path:
    """Where data and prepared arrays are kept between runs: HARNESS_CACHE, or the user's cache."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("HARNESS_CACHE")
    return Path(chosen).expanduser().resolve() if chosen else user_cache_path("snn-harness")


def start_folder(run: Path) -> str:
    """The current folder, relative to that of a run: what a run keeps to find its files again."""
    return os.path.relpath(Path.cwd(), run.absolute())


def located_options(options: Mapping[str, Any], base: Path | None) -> dict[str, Any]:
    """`options` of a configuration, the paths among them as `located` sees them."""

    def seen(name: str, value: Any) -> Any:
        match name:
            case "plugins" | "metrics":
                return type(value)(located_plugin(each, base) for each in value)
            case "data":
                return type(value)(located(each, base) for each in value)
            case "task":
                return located_tasks(value, base)
            case "params":
                return located_params(value, base)
        return value

    return {name: seen(name, value) for name, value in options.items()}


def located_plugin(name: str, base: Path | None) -> str:
    """A plugin's name; or its file, with the version after its @ if any, as `located` sees it."""
    path, suffix, version = name.rpartition(".py")
    if suffix and (not version or version.startswith("@")):
        return located(path + suffix, base) + version
    return name


def located_tasks(text: str, base: Path | None) -> str:
    """The tasks that `text` of --task names, their files as `located` sees them."""
    from harness.catalogue.tasks import split_path, split_tasks

    parts = map(split_path, split_tasks(text))
    return ",".join(located(path, base) + rest if path else rest for path, rest in parts)


def located(text: str, base: Path | None) -> str:
    """The path `text` as seen from here, where it was written in the folder `base`."""
    if base is None or Path(text).is_absolute() or not (base / text).exists():
        return text
    return str(base / text)


def located_params(params: Mapping[str, Mapping[str, Any]], base: Path | None) -> dict[str, Any]:
    """Parameters by plugin, each a tuple of values: those that name a file, as `located` sees it."""

    def seen(value: Any) -> Any:
        path, rest = split_function(value) if isinstance(value, str) else ("", "")
        return located(path, base) + rest if path else value

    return {
        pattern: {name: tuple(map(seen, values)) for name, values in chosen.items()}
        for pattern, chosen in params.items()
    }
