"""The run's description as pairs of words, whatever it holds: a key added tomorrow appears too."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.numbers import plain, size

Facts = list[tuple[str, str]]


def command(run: Mapping[str, Any]) -> str:
    """The command line that made the run; empty where it is not known."""
    line = run.get("command", "")
    if isinstance(line, Sequence) and not isinstance(line, str):
        line = shlex.join(str(word) for word in line)
    return plain(line)


def sections(run: Mapping[str, Any]) -> list[tuple[str, Facts]]:
    """(title, facts) of each part of the run's description: its mappings, then all the rest."""
    parts = {name: value for name, value in run.items() if isinstance(value, Mapping)}
    rest = {name: value for name, value in run.items() if name not in parts and name != "command"}
    titled = [(name, list(_pairs(value))) for name, value in [*parts.items(), ("run", rest)]]
    return [(plain(name).capitalize(), facts) for name, facts in titled if facts]


def _pairs(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        title = prefix + plain(name).replace("_", " ")
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{title}, ")
        elif value is not None and value != "":
            yield _shown(title, value)


def _shown(title: str, value: Any) -> tuple[str, str]:
    if title.endswith(" bytes") and isinstance(value, (int, float)):
        return title.removesuffix(" bytes"), str(size({"x": value}, "x"))
    if isinstance(value, bool):
        return title, "yes" if value else "no"
    if isinstance(value, float):
        return title, f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return title, ", ".join(plain(part) for part in value) or "none"
    return title, plain(value)
