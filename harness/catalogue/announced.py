"""Whether what is announced, by an entry point or as a file, could be imported: without importing it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.requirements import InvalidRequirement

from harness.catalogue.installed import Installed
from harness.catalogue.source import (
    module_problem,
    read_source,
    script_metadata,
    syntax_problem,
)
from harness.errors import UsageError

State = tuple[Literal["ready", "missing", "broken"], str, str]
"""The status, the reason where it is not ready, and what installs what is missing."""


class Announced(NamedTuple):
    """An entry point; `digest` is that of the code of its `module`, "" where that is not ready."""

    name: str
    module: str
    distribution: str
    digest: str
    state: State


def announced(group: str) -> Iterator[Announced]:
    """What the installed distributions announce in `group`, in the order of the path.

    The same distribution can be on the path twice (an editable install and its source).
    """
    here = Installed()
    for dist in distributions():
        for point in dist.entry_points.select(group=group):
            module = point.value.partition(":")[0].strip()
            state = _state(dist.name, module, here)
            digest = here.digest(module) if state[0] == "ready" else ""
            yield Announced(point.name, module, dist.name, digest, state)


def _state(distribution: str, module: str, here: Installed) -> State:
    """The state of a module that a distribution announces."""
    if problem := module_problem(module):
        return "broken", problem, ""
    try:
        problems = here.unmet(distribution)
    except InvalidRequirement as error:
        return "broken", f"its metadata are not valid: {error}", ""
    if problems:
        return "missing", "; ".join(problems), f"pip install {distribution}"
    return "ready", "", ""


def check_file(kind: str, path: Path) -> None:
    """UsageError in one line where the file, of a `kind` such as "metric", could not be imported."""
    text = read_source(kind, path)
    if problem := syntax_problem(text):
        raise UsageError(f"{kind} file {path}: {problem}")
    try:
        needs = [str(need) for need in script_metadata(text).get("dependencies", [])]
        problems = Installed().unmet_of(needs)
    except (tomllib.TOMLDecodeError, InvalidRequirement, TypeError) as error:
        raise UsageError(f"{kind} file {path}: its script block is not valid: {error}") from None
    if problems:
        wanted = " ".join(f"'{need}'" for need in needs)
        raise UsageError(
            f"{kind} file {path}: {'; '.join(problems)}; install it with: pip install {wanted}"
        )
