"""Versions, needs and source code of the installed distributions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

from harness.catalogue.digest import package_digest


class Installed:
    """What is known of the installed distributions; files are slow to read, so each is read once."""

    def __init__(self) -> None:
        self._read = cache(_read)
        self._digest = cache(package_digest)

    def version(self, name: str) -> str:
        """The installed version of `name`, empty where it is not installed."""
        return self._read(name)[0]

    def digest(self, module: str) -> str:
        """The digest of the package that `module` belongs to; empty where there is none."""
        return self._digest(module.partition(".")[0])

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
            installed = self.version(need.name)
            if not installed:
                problems.append(f"{need.name} is not installed")
            elif not need.specifier.contains(installed, prereleases=True):
                problems.append(f"{need.name} {installed} is installed, wanted {need.specifier}")
            elif need.extras:
                problems += self.unmet(need.name, tuple(need.extras))
        return problems


def _read(name: str) -> tuple[str, list[str]]:
    """Version and needs of the distribution `name`, empty where it is not installed."""
    try:
        dist = distribution(name)
    except (PackageNotFoundError, ValueError):
        return "", []
    return dist.version, dist.requires or []


def _applies(need: Requirement, extras: Sequence[str]) -> bool:
    """Whether `need` is one of the distribution itself, or, where there are `extras`, one of theirs."""
    if need.marker is None:
        return not extras
    always = need.marker.evaluate({"extra": ""})
    if not extras:
        return always
    return not always and any(need.marker.evaluate({"extra": extra}) for extra in extras)
