"""What a Python source file tells about itself without being run."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PEP_723 = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def module_problem(module: str) -> str:
    """Why `module` could not be imported, as far as its file tells without running anything."""
    spec: ModuleSpec | None = None
    path: list[str] | None = None
    qualified = ""
    for part in module.split("."):
        qualified = f"{qualified}.{part}" if qualified else part
        # util.find_spec of a submodule would import its parents; PathFinder does not, if it is given
        # the last part alone (it looks for the parents of a folder without __init__.py).
        spec = find_spec(part) if path is None else PathFinder.find_spec(part, path)
        if spec is None:
            return f"there is no module {qualified}"
        path = list(spec.submodule_search_locations or [])
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return ""
    try:
        return syntax_problem(Path(spec.origin).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        return f"{module} cannot be read: {error}"


def syntax_problem(text: str) -> str:
    """Why `text` is no Python, with the line; empty where it is."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:
        return str(error)
    return ""


def script_metadata(text: str) -> dict[str, Any]:
    """The PEP 723 block of a script, by the regular expression that the PEP gives."""
    match = _PEP_723.search(text)
    if match is None:
        return {}
    lines = (line.removeprefix("#").removeprefix(" ") for line in match["content"].splitlines())
    return tomllib.loads("\n".join(lines))
