"""Which plugins there are, and which of them can run here: found without importing any of them.

Installed plugins are entry points of the group `harness`; their framework is the one entry point of
their distribution's group `harness.framework` (its name is shown, its value is the distribution whose
version is). A plugin may also be a file; its needs then stand in a PEP 723 block:

    # /// script
    # dependencies = ["torch", "norse>=1.1"]
    # [tool.harness]
    # framework = "norse"
    # ///
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement

from harness.contract import PluginSource
from harness.errors import UsageError, unknown

GROUP, FRAMEWORK_GROUP = "harness", "harness.framework"
ALL = "all"
_PEP_723 = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@dataclass(frozen=True)
class Plugin:
    """One plugin as its metadata describe it. `install` is the command that mends `missing`."""

    name: str
    source: PluginSource
    framework: str
    framework_version: str = ""
    distribution: str = ""
    status: Literal["ready", "missing", "broken"] = "ready"
    reason: str = ""
    install: str = ""


def discover() -> list[Plugin]:
    """Every installed plugin, sorted by framework and name; imports none of them."""
    found: dict[str, Plugin] = {}
    environment = _Environment()
    for dist in distributions():
        points = [point for point in dist.entry_points if point.group == GROUP]
        for point in points:
            plugin = _installed(dist, point.name, point.value, environment)
            # The same distribution can be on the path twice (an editable install and its source).
            earlier = found.setdefault(point.name, plugin)
            if earlier.distribution != plugin.distribution:
                reason = f"the name is taken twice: {earlier.distribution}, {plugin.distribution}"
                found[point.name] = _broken(earlier, reason)
    return sorted(found.values(), key=lambda plugin: (plugin.framework, plugin.name))


def select(patterns: Sequence[str], installed: Iterable[Plugin]) -> list[Plugin]:
    """The plugins that `patterns` name, in their order: `all`, names, globs, paths of .py files."""
    if not patterns:
        raise UsageError("no plugin is named: give all, names, globs or paths of .py files")
    installed = list(installed)
    by_name = {plugin.name: plugin for plugin in installed}
    chosen: dict[str, Plugin] = {}
    for pattern in patterns:
        if pattern.endswith(".py"):
            matches = [from_file(Path(pattern))]
        elif pattern == ALL:
            matches = installed
        elif pattern in by_name:
            matches = [by_name[pattern]]
        else:
            matches = [plugin for plugin in installed if fnmatchcase(plugin.name, pattern)]
            if not matches and not installed:
                raise UsageError(f"no plugin {pattern!r}: none is installed; {HOW_TO_INSTALL}")
            if not matches:
                raise unknown("plugin", pattern, by_name)
        for plugin in matches:
            if chosen.setdefault(plugin.name, plugin).source != plugin.source:
                raise UsageError(f"two plugins are called {plugin.name!r}: rename the file")
    if not chosen:
        raise UsageError(f"no plugin is installed; {HOW_TO_INSTALL}")
    return list(chosen.values())


HOW_TO_INSTALL = "install some with: pip install 'snn-harness[all]', or give the path of a .py file"


def from_file(path: Path) -> Plugin:
    """The plugin in one file, as its PEP 723 block and its syntax describe it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"plugin file {path}: {reason}") from None
    source = PluginSource(name=path.stem, file=str(path.resolve()))
    plugin = Plugin(path.stem, source, framework=path.stem)
    problem = _syntax_problem(text)
    if problem:
        return _broken(plugin, problem)
    environment = _Environment()
    try:
        script = _script_metadata(text)
        needs = [str(need) for need in script.get("dependencies", [])]
        problems = environment.unmet_of(needs)
        framework = str(script.get("tool", {}).get("harness", {}).get("framework", path.stem))
    except (tomllib.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError) as error:
        return _broken(plugin, f"its script block is not valid: {error}")
    return Plugin(
        plugin.name,
        source,
        framework=framework,
        framework_version=environment.version(framework),
        status="missing" if problems else "ready",
        reason="; ".join(problems),
        install="pip install " + " ".join(f"'{need}'" for need in needs) if problems else "",
    )


class _Environment:
    """Versions and needs of what is installed; metadata are slow to parse, so each is read once."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[str, list[str]]] = {}

    def version(self, name: str) -> str:
        """The installed version of `name`, empty where it is not installed."""
        return self._read(name)[0]

    def unmet(self, name: str, extras: Sequence[str] = ()) -> list[str]:
        """What of the needs of the installed distribution `name`, or of its `extras`, is not met."""
        return self.unmet_of(self._read(name)[1], extras)

    def unmet_of(self, requires: Iterable[str], extras: Sequence[str] = ()) -> list[str]:
        """What of `requires` is not installed, or in another version, its extras' needs included."""
        problems: list[str] = []
        for text in requires:
            need = Requirement(text)
            if not _applies(need, extras):
                continue
            found = self.version(need.name)
            if not found:
                problems.append(f"{need.name} is not installed")
            elif not need.specifier.contains(found, prereleases=True):
                problems.append(f"{need.name} {found} is installed, wanted {need.specifier}")
            elif need.extras:
                problems += self.unmet(need.name, tuple(need.extras))
        return problems

    def _read(self, name: str) -> tuple[str, list[str]]:
        if name not in self._facts:
            try:
                found = distribution(name)
                self._facts[name] = found.version, found.requires or []
            except (PackageNotFoundError, ValueError):
                self._facts[name] = "", []
        return self._facts[name]


def _applies(need: Requirement, extras: Sequence[str]) -> bool:
    """Whether `need` is one of the distribution itself, or, where there are `extras`, one of theirs."""
    if need.marker is None:
        return not extras
    always = need.marker.evaluate({"extra": ""})
    if not extras:
        return always
    return not always and any(need.marker.evaluate({"extra": extra}) for extra in extras)


def _installed(dist: Distribution, name: str, value: str, environment: _Environment) -> Plugin:
    module = value.partition(":")[0].strip()
    frameworks = [point for point in dist.entry_points if point.group == FRAMEWORK_GROUP]
    framework = frameworks[0].name if frameworks else dist.name
    plugin = Plugin(
        name,
        PluginSource(name=name, module=module),
        framework,
        framework_version=environment.version(frameworks[0].value if frameworks else dist.name),
        distribution=dist.name,
    )
    problem = _module_problem(module)
    if problem:
        return _broken(plugin, problem)
    try:
        problems = environment.unmet(dist.name)
    except InvalidRequirement as error:
        return _broken(plugin, f"its metadata are not valid: {error}")
    if not problems:
        return plugin
    return Plugin(
        **{**vars(plugin), "status": "missing", "reason": "; ".join(problems)}
        | {"install": f"pip install {dist.name}"}
    )


def _broken(plugin: Plugin, reason: str) -> Plugin:
    return Plugin(**{**vars(plugin), "status": "broken", "reason": reason, "install": ""})


def _module_problem(module: str) -> str:
    """Why `module` could not be imported, as far as its file tells without running anything."""
    spec: ModuleSpec | None = None
    path: list[str] | None = None
    qualified = ""
    for part in module.split("."):
        qualified = f"{qualified}.{part}" if qualified else part
        # util.find_spec of a submodule would import its parents, PathFinder does not.
        spec = PathFinder.find_spec(qualified, path) if path else find_spec(qualified)
        if spec is None:
            return f"there is no module {qualified}"
        path = list(spec.submodule_search_locations or [])
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return ""
    try:
        return _syntax_problem(Path(spec.origin).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        return f"{module} cannot be read: {error}"


def _syntax_problem(text: str) -> str:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:
        return str(error)
    return ""


def _script_metadata(text: str) -> dict[str, Any]:
    """The PEP 723 block of a script, by the regular expression that the PEP gives."""
    match = _PEP_723.search(text)
    if match is None:
        return {}
    lines = (line.removeprefix("#").removeprefix(" ") for line in match["content"].splitlines())
    return tomllib.loads("\n".join(lines))
