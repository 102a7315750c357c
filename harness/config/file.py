"""A file that says what `harness run` is to do: TOML, or the run.json of any run.

    plugins = ["native-dfa", "my_plugin.py"]
    seeds = [0, 1, 2]
    min-time = 0.05

    [set.native-dfa]
    hidden = [32, 64]

Its keys are the options of the command line. Paths are relative to the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.config.options import RunConfig, option, option_error, parse_params
from harness.config.paths import located_options
from harness.errors import NoSuchFile, UsageError, WrongParameter, unknown
from harness.results.reading import read_file
from harness.results.store import RUN, RunFolder

#: Keys beside the fields of `RunConfig`, and the field that they are.
_ALIASES = {"set": "params"}
_OUT = "out"
#: Fields of which a single value is a list of one, and text is split at its commas.
_LISTS = ("plugins", "seeds", "data", "metrics", "variants")


#: Options of `harness run` that are no keys: how a command is carried out, not what it does.
_COMMAND_ALONE = {"config", "dry-run", "resume", "rerun-changed", "retry", "quiet", "verbose"}
#: Lines in which the beginning of a value is looked for: each is one more parse.
_LOOKED_BACK = 200
_AT_END, _NOT_CLOSED = "(at end of document)", "(what begins here is not closed)"


def read_config(path: Path) -> dict[str, Any]:
    """The options that the file at `path` gives, checked; UsageError with file and line."""
    if path.name == RUN:
        return _of_run(path)
    try:
        text = read_file(path).decode()
        given = tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"--config {path}: nested too deeply") from None
    except ValueError as error:  # it cannot be read, is no TOML, or no UTF-8
        reason = str(error).removeprefix(f"{path.name} ")
        if _AT_END in reason:
            raise UsageError(
                f"{path}:{_begins(text)}: {reason.replace(_AT_END, _NOT_CLOSED)}"
            ) from None
        raise UsageError(f"--config {path}: {reason}") from None
    options = _fields(path, text, given)
    out = options.pop(_OUT, None)
    try:
        config = RunConfig.model_validate({"plugins": ("all",), **options})
    except ValidationError as error:
        where = _line(text, error.errors()[0]["loc"])
        raise UsageError(f"{path}{where}: {option_error(error, RunConfig, _named)}") from None
    except UsageError as error:
        raise UsageError(f"{path}{_line(text, ['params'])}: {error}") from None
    if out is not None:
        if not isinstance(out, str):
            raise UsageError(f"{path}{_line(text, [_OUT])}: --out: wanted a path, not {out!r}")
        options[_OUT] = path.parent / out
    if "params" in options:
        options["params"] = config.params  # each value as a tuple
    return located_options(options, path.parent)


def in_file(path: Path, error: UsageError) -> UsageError:
    """`error` of an option or a parameter that the file at `path` gives, with file and line."""
    if path.name == RUN:
        moved = isinstance(error, NoSuchFile)
        return UsageError(f"{error}: give --{error.option} of your own") if moved else error
    place, what = [error.option], str(error)
    if isinstance(error, WrongParameter):
        place, what = ["params", error.pattern, error.name], error.what
    return UsageError(f"{path}{_line(read_file(path).decode(), place)}: {what}")


def _named(field: str) -> str:
    """What a file calls a field: it has no --set."""
    return "set" if field == "params" else option(field)


def _begins(text: str) -> int:
    """The line of the value that the end of the document cuts off: without it, what is before is TOML."""
    lines = text.splitlines()
    for count in range(len(lines) - 1, max(len(lines) - _LOOKED_BACK, 0), -1):
        with suppress(ValueError):
            tomllib.loads("\n".join(lines[:count]))
            return count + 1
    return 1


def _fields(path: Path, text: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a file gives, by the fields of `RunConfig` and `out`."""
    known = {option(name)[2:]: name for name in RunConfig.model_fields} | {_OUT: _OUT}
    options: dict[str, Any] = {}
    for key, value in given.items():
        name = known.get(key.replace("_", "-")) or (key if key == "params" else None)
        if name is None:
            if (word := key.replace("_", "-")) in _COMMAND_ALONE:
                where = f"{path}{_line(text, [key])}"
                raise UsageError(f"{where}: --{word} is given on the command line, not in a file")
            error = unknown("key", key, known)
            raise UsageError(f"{path}{_line(text, [key])}: {error}")
        if name in _LISTS and isinstance(value, str):
            value = value.split(",")
        elif name in _LISTS and not isinstance(value, list):
            value = [value]
        elif name == "params" and isinstance(value, (str, list)):
            try:
                value = parse_params([value] if isinstance(value, str) else map(str, value))
            except UsageError as error:
                raise UsageError(f"{path}{_line(text, [key])}: {error}") from None
        elif name in ("task", "preset") and isinstance(value, list):
            value = ",".join(map(str, value))
        options[name] = value
    return options


def _of_run(path: Path) -> dict[str, Any]:
    described = RunFolder.open(path.parent, "networks").description()
    if not described.sessions:
        raise UsageError(f"{path} holds no session")
    last = described.sessions[-1]
    try:
        config = RunConfig.model_validate(last.config)
    except ValidationError as error:
        raise UsageError(f"{path}: {option_error(error, RunConfig, option)}") from None
    return located_options(config.model_dump(exclude_unset=True), path.parent / last.folder)


def _line(text: str, place: Sequence[str | int]) -> str:
    """`:N`, the line of the innermost key of `place` that can be found; "" where none can."""
    lines, number = text.splitlines(), 0
    for key in place:
        if not isinstance(key, str):
            continue
        names = {key, key.replace("_", "-")} | {a for a, field in _ALIASES.items() if field == key}
        name = "|".join(map(re.escape, sorted(names)))
        pattern = re.compile(rf"""^\s*\[?(?:[^=#]*[."'\[])?(?:{name})["']?\s*[\].=]""")
        start = max(number - 1, 0)
        number = next(
            (n for n, line in enumerate(lines[start:], start + 1) if pattern.match(line)), number
        )
    return f":{number}" if number else ""
