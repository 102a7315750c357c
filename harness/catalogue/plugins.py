"""Which plugins there are, and which of them can run here: found without importing any of them.

Installed plugins are entry points of the group `harness`, layers of neurons of the group
`harness.layer`. Their distribution names its framework in the group `harness.framework` (its name is
shown, its value is the distribution whose version is); one that has several frameworks says in the
group `harness.uses` which plugin uses which. `harness.preload` may name a module that imports a
framework: a process that workers are forked from imports it once. A plugin may also be a file; its
needs then stand in a PEP 723 block:

    # /// script
    # dependencies = ["torch", "norse>=1.1"]
    # [tool.harness]
    # framework = "norse"
    # ///

`NAME@VERSION` is a plugin with that version of its framework, which an environment of its own holds
(`harness.coordinator.environments`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Literal

from packaging.requirements import InvalidRequirement
from packaging.version import InvalidVersion, Version

from harness.catalogue.digest import file_digest
from harness.catalogue.installed import Installed
from harness.catalogue.source import (
    description,
    module_description,
    module_problem,
    read_source,
    script_metadata,
    syntax_problem,
)
from harness.errors import UsageError, unknown
from harness.subjects import Contender, PluginLocation

GROUP, LAYER_GROUP, FRAMEWORK_GROUP = "harness", "harness.layer", "harness.framework"
USES_GROUP, PRELOAD_GROUP = "harness.uses", "harness.preload"
ALL = "all"


@dataclass(frozen=True)
class Plugin:
    """One plugin as its metadata describe it. `install` is the command that mends `missing`.

    `digest` is that of its source code: its file's, or that of all files of its package.
    `framework_package` is the distribution whose version is `framework_version`, "" where that is the
    plugin's own. `pinned` is the version that NAME@VERSION asks for; `interpreter` the Python that
    runs it, "" for this one. `description` is the first line of its module's docstring.
    """

    name: str
    location: PluginLocation
    framework: str
    framework_version: str = ""
    framework_package: str = ""
    pinned: str = ""
    interpreter: str = ""
    distribution: str = ""
    digest: str = ""
    status: Literal["ready", "missing", "broken"] = "ready"
    reason: str = ""
    install: str = ""
    description: str = ""

    @property
    def label(self) -> str:
        """Its name, with the version that was asked for: no other plugin of a command has it."""
        return f"{self.name}@{self.pinned}" if self.pinned else self.name

    def contender(self, device: str, threads: int) -> Contender:
        """Its code on `device`."""
        return Contender(
            plugin=self.name,
            framework=self.framework,
            framework_version=self.framework_version,
            digest=self.digest,
            pinned=self.pinned or None,
            device=device,
            threads=threads,
        )


def discover(group: str = GROUP) -> list[Plugin]:
    """Every installed plugin of `group`, sorted by framework and name; imports none of them."""
    plugins: dict[str, Plugin] = {}
    installed_here = Installed()
    for dist in distributions():
        points = [point for point in dist.entry_points if point.group == group]
        for point in points:
            plugin = _installed(dist, point.name, point.value, installed_here)
            # The same distribution can be on the path twice (an editable install and its source).
            earlier = plugins.setdefault(point.name, plugin)
            if earlier.distribution != plugin.distribution:
                reason = f"the name is taken twice: {earlier.distribution}, {plugin.distribution}"
                plugins[point.name] = _broken(earlier, reason)
    return sorted(plugins.values(), key=lambda plugin: (plugin.framework, plugin.name))


def select(
    patterns: Sequence[str], installed: Iterable[Plugin], *, versions: bool = False
) -> list[Plugin]:
    """The plugins that `patterns` name, in their order: `all`, names, globs, paths of .py files.

    With `versions`, each may be followed by @VERSION.
    """
    if not patterns:
        raise UsageError("no plugin is named: give all, names, globs or paths of .py files")
    installed = list(installed)
    by_name = {plugin.name: plugin for plugin in installed}
    chosen: dict[str, Plugin] = {}
    for text in patterns:
        pattern, version = _at_version(text)
        if version and not versions:
            raise UsageError(
                f"{text}: only harness run and harness check take NAME@VERSION, give {pattern}"
            )
        if pattern.endswith(".py"):
            matches = [from_file(Path(pattern))]
        elif pattern == ALL:
            matches = installed
        elif pattern in by_name:
            matches = [by_name[pattern]]
        else:
            matches = [plugin for plugin in installed if fnmatchcase(plugin.name, pattern)]
            if not matches and Path(f"{pattern}.py").is_file():
                raise UsageError(f"no plugin {pattern!r} is installed: did you mean {pattern}.py?")
            if not matches and not installed:
                raise UsageError(f"no plugin {pattern!r}: none is installed; {HOW_TO_INSTALL}")
            if not matches:
                raise unknown("plugin", pattern, by_name)
        for plugin in matches:
            plugin = _pinned(plugin, version) if version else plugin
            if chosen.setdefault(plugin.label, plugin).location != plugin.location:
                raise UsageError(f"two plugins are called {plugin.name!r}: rename the file")
    if not chosen:
        raise UsageError(f"no plugin is installed; {HOW_TO_INSTALL}")
    return list(chosen.values())


HOW_TO_INSTALL = "install some, in a checkout with: uv sync, or give the path of a .py file"


def _at_version(text: str) -> tuple[str, str]:
    """A pattern and the version after its @, normalised; "" where it has none."""
    pattern, at, version = text.rpartition("@")
    if not (at and pattern) or text.endswith(".py"):  # a path may hold an @
        return text, ""
    try:
        return pattern, str(Version(version))
    except InvalidVersion:
        raise UsageError(f"{text}: {version!r} is no version, wanted one as in NAME@1.0") from None


def _pinned(plugin: Plugin, version: str) -> Plugin:
    if plugin.status != "broken" and plugin.framework_package in ("", plugin.distribution):
        raise UsageError(
            f"{plugin.name}@{version}: it names no framework whose version could be chosen; "
            f"give {plugin.name}"
        )
    return replace(plugin, pinned=version)


def preloads() -> dict[str, str]:
    """The module to preload for each framework, by the framework's name."""
    return {
        point.name: point.value.partition(":")[0].strip()
        for dist in distributions()
        for point in dist.entry_points
        if point.group == PRELOAD_GROUP
    }


def from_file(path: Path) -> Plugin:
    """The plugin in one file, as its PEP 723 block and its syntax describe it."""
    text = read_source("plugin", path)
    location = PluginLocation(name=path.stem, file=str(path.resolve()))
    plugin = Plugin(path.stem, location, framework=path.stem, digest=file_digest(path))
    if problem := syntax_problem(text):
        return _broken(plugin, problem)
    plugin = replace(plugin, description=description(text, path.stem))
    installed_here = Installed()
    try:
        script = script_metadata(text)
        needs = [str(need) for need in script.get("dependencies", [])]
        problems = installed_here.unmet_of(needs)
        named = str(script.get("tool", {}).get("harness", {}).get("framework", ""))
    except (tomllib.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError) as error:
        return _broken(plugin, f"its script block is not valid: {error}")
    framework = named or path.stem
    version = installed_here.version(framework)
    plugin = replace(
        plugin, framework=framework, framework_version=version, framework_package=named
    )
    return _checked(plugin, problems, " ".join(f"'{need}'" for need in needs))


def _installed(dist: Distribution, name: str, value: str, installed_here: Installed) -> Plugin:
    module = value.partition(":")[0].strip()
    plugin = Plugin(
        name,
        PluginLocation(name=name, module=module),
        framework=dist.name,
        framework_version=installed_here.version(dist.name),
        distribution=dist.name,
    )
    if problem := module_problem(module):
        return _broken(plugin, problem)
    plugin = replace(
        plugin,
        digest=installed_here.digest(module),
        description=module_description(module, name),
    )
    frameworks, uses = _group(dist, FRAMEWORK_GROUP), _group(dist, USES_GROUP)
    framework = uses.get(name) or next(iter(frameworks), "")
    if framework and framework not in frameworks:
        return _broken(plugin, f"{USES_GROUP} names {framework}, {FRAMEWORK_GROUP} does not")
    if len(frameworks) > 1 and name not in uses:
        several = f"{dist.name} has several frameworks ({', '.join(frameworks)})"
        return _broken(plugin, f"{several}: {USES_GROUP} must name one for it")
    if framework:
        package = frameworks[framework]
        plugin = replace(
            plugin,
            framework=framework,
            framework_version=installed_here.version(package),
            framework_package=package,
        )
    try:
        problems = installed_here.unmet(dist.name)
    except InvalidRequirement as error:
        return _broken(plugin, f"its metadata are not valid: {error}")
    return _checked(plugin, problems, dist.name)


def _group(dist: Distribution, group: str) -> dict[str, str]:
    return {point.name: point.value for point in dist.entry_points if point.group == group}


def _checked(plugin: Plugin, problems: Sequence[str], needs: str) -> Plugin:
    """`plugin`, missing where its needs are not met; `needs` are what pip is to install."""
    if not problems:
        return plugin
    install = f"pip install {needs}"
    return replace(plugin, status="missing", reason="; ".join(problems), install=install)


def _broken(plugin: Plugin, reason: str) -> Plugin:
    return replace(plugin, status="broken", reason=reason, install="")
