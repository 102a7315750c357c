"""What an environment of a plugin is made of: its requirements, and the source that is linked into it.

The host and the plugin are not installed but linked: a worker in an environment runs the very files that
are found here, so their digests stay true, and an edit is seen at once. Only what they require is
installed, in the versions that are installed here wherever the requirements allow it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.catalogue.plugins import GROUP, LAYER_GROUP, Plugin
from harness.catalogue.source import script_metadata
from harness.errors import UsageError

HOST = "snn-harness"
#: The extra of the host that a worker needs.
_WORKER = "worker"
#: Entry points of these groups name modules of the distribution itself.
_OWN_MODULES = (GROUP, LAYER_GROUP, "console_scripts")


@dataclass(frozen=True)
class Recipe:
    """One environment. Two of the same `key` hold the same.

    `constraints` are the versions that are installed here; `pin` is the requirement that takes the place
    of all others of the framework, "" where no version was asked for. `links` are the paths that the
    environment's packages folder points to.
    """

    python: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    pin: str
    links: tuple[str, ...]

    @property
    def key(self) -> str:
        """A digest of everything."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


def recipe_of(plugin: Plugin) -> Recipe:
    """What the environment of `plugin` is made of; UsageError where the host is not installed."""
    host = _host()
    linked = [host]
    if plugin.distribution:
        linked.append(distribution(plugin.distribution))
    names: set[str] = {canonicalize_name(dist.name) for dist in linked}
    own = own_requirements(plugin)
    extras = {_WORKER}.union(
        *(need.extras for need in own if canonicalize_name(need.name) == HOST), ()
    )
    needs = [*own, *_applicable(host.requires or [], extras)]
    wanted = {str(need) for need in needs if canonicalize_name(need.name) not in names}
    pin = f"{plugin.framework_package}=={plugin.pinned}" if plugin.pinned else ""
    if pin:
        names.add(canonicalize_name(plugin.framework_package))
        wanted.add(pin)
    return Recipe(
        python=f"{sys.implementation.name} {sys.version} at {sys.base_prefix}",
        requirements=tuple(sorted(wanted)),
        constraints=tuple(sorted(_installed_here(names))),
        pin=pin,
        links=tuple(sorted({str(path) for dist in linked for path in _sources(dist)})),
    )


def own_requirements(plugin: Plugin) -> list[Requirement]:
    """What the plugin itself asks for: its distribution, or the PEP 723 block of its file."""
    if plugin.distribution:
        return list(_applicable(distribution(plugin.distribution).requires or [], ()))
    text = Path(plugin.location.file).read_text(encoding="utf-8-sig")
    return list(_applicable(script_metadata(text).get("dependencies", []), ()))


def _host() -> Distribution:
    try:
        return distribution(HOST)
    except PackageNotFoundError:
        raise UsageError(
            f"an environment needs {HOST} to be installed here: pip install -e . in its checkout"
        ) from None


def _applicable(requires: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    """Those of `requires` that hold on this machine, with `extras`."""
    for text in requires:
        need = Requirement(text)
        if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in ("", *extras)):
            need.marker = None
            yield need


def _installed_here(excluded: set[str]) -> Iterator[str]:
    """`name==version` of each distribution from an index, but those `excluded`."""
    seen = set(excluded)
    for dist in distributions():
        name = canonicalize_name(dist.name or "")
        if name and name not in seen and not dist.read_text("direct_url.json"):
            yield f"{name}=={dist.version}"
        seen.add(name)


def _sources(dist: Distribution) -> Iterator[Path]:
    """The packages, modules and metadata of an installed distribution, editable or not."""
    tops: set[str] = set()
    for file in dist.files or []:
        top = file.parts[0]
        if file.name == "METADATA" and len(file.parts) == 2:
            yield Path(str(dist.locate_file(top))).resolve()
        elif top not in ("..", "__pycache__") and not top.endswith((".dist-info", ".pth")):
            yield Path(str(dist.locate_file(top))).resolve()
            tops.add(top.partition(".")[0])
    modules = {p.module.partition(".")[0] for p in dist.entry_points if p.group in _OWN_MODULES}
    for module in sorted(modules - tops):  # of an editable install, which lists no files of its own
        spec = find_spec(module)
        places = [*(spec.submodule_search_locations or ()), spec.origin] if spec else []
        if places and places[0]:
            yield Path(places[0]).resolve()
