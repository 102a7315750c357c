"""What a Python source file tells about itself without being run."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import NoSuchFile, UsageError, plain

#: What a docstring may begin with: the name of the plugin itself.
_NAME = re.compile(r"`*(?P<name>[\w.@-]+)`*:\s+")
_LONGEST = 200
_PEP_723 = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


def read_source(kind: str, path: Path) -> str:
    """The text of a file, of a `kind` such as "metric"; UsageError in one line where it has none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        moved = isinstance(error, FileNotFoundError) and not path.is_absolute()
        raise (NoSuchFile if moved else UsageError)(f"{kind} file {path}: {reason}") from None


def module_problem(module: str) -> str:
    """Why `module` could not be imported, as far as its file tells without running anything."""
    try:
        file = _file_of(module)
        return syntax_problem(file.read_text(encoding="utf-8-sig")) if file else ""
    except ModuleNotFoundError as error:
        return str(error)
    except (OSError, UnicodeDecodeError) as error:
        return f"{module} cannot be read: {error}"


def module_description(module: str, name: str) -> str:
    """`description` of an installed module, which is not imported; empty where it cannot be read."""
    try:
        file = _file_of(module)
        return description(file.read_text(encoding="utf-8-sig"), name) if file else ""
    except (ModuleNotFoundError, OSError, UnicodeDecodeError):
        return ""


def description(text: str, name: str) -> str:
    """What a module says that it is: the first line of its docstring, without the plugin's own `name`.

    Empty where it has none.
    """
    try:
        line = plain((ast.get_docstring(_tree(text)) or "").partition("\n")[0].strip())
    except (SyntaxError, ValueError):
        return ""
    said = _NAME.match(line)
    if said and said["name"] == name:
        line = line[said.end() :]
    line = line.replace("`", "")  # marks of code, which only a site's text has
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}\u2026"


def syntax_problem(text: str) -> str:
    """Why `text` is no Python, with the line; empty where it is."""
    try:
        _tree(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:
        return str(error)
    return ""


def names(text: str, word: str) -> bool:
    """Whether a module could define `word`: its code names it somewhere, or takes names from elsewhere.

    Also where it is no Python: that is another mistake.
    """
    try:
        nodes = list(ast.walk(_tree(text)))
    except (SyntaxError, ValueError):
        return True
    elsewhere = {"*", "globals", "setattr", "exec"}
    return any(
        getattr(node, field, None) in {word, *elsewhere}
        for node in nodes
        for field in ("name", "asname", "id", "attr", "arg", "value")
        if isinstance(getattr(node, field, None), str)
    )


def imports(text: str) -> set[str]:
    """The modules that `text` imports by name, without what follows a dot; none where it is no Python."""
    try:
        nodes = list(ast.walk(_tree(text)))
    except (SyntaxError, ValueError):
        return set()
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    parts = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in whole | parts} - {""}


def script_metadata(text: str) -> dict[str, Any]:
    """The PEP 723 block of a script, by the regular expression that the PEP gives."""
    match = _PEP_723.search(text)
    if match is None:
        return {}
    lines = (line.removeprefix("#").removeprefix(" ") for line in match["content"].splitlines())
    return tomllib.loads("\n".join(lines))


@lru_cache(maxsize=1)
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def _file_of(module: str) -> Path | None:
    """The source file of `module`; None where it has none, ModuleNotFoundError where there is no module."""
    spec: ModuleSpec | None = None
    path: list[str] | None = None
    qualified = ""
    for part in module.split("."):
        qualified = f"{qualified}.{part}" if qualified else part
        # util.find_spec of a submodule would import its parents; PathFinder does not, if it is given
        # the last part alone (it looks for the parents of a folder without __init__.py).
        spec = find_spec(part) if path is None else PathFinder.find_spec(part, path)
        if spec is None:
            raise ModuleNotFoundError(f"there is no module {qualified}")
        path = list(spec.submodule_search_locations or [])
    origin = spec.origin if spec else None
    return Path(origin) if origin and origin.endswith(".py") else None
