"""`harness new-plugin`: a plugin to begin with, which learns and passes `harness check` as it is."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")

#: The files of a package, by their template.
_PACKAGE = {
    "pyproject": "pyproject.toml",
    "readme": "README.md",
    "init": "src/$module/__init__.py",
    "plugin": "src/$module/plugin.py",
    "test_plugin": "tests/test_plugin.py",
    "workflow": ".github/workflows/check.yml",
}


@click.command("new-plugin")
@click.argument("name")
@click.option("--package", is_flag=True, help="Write a package with tests and a workflow for CI.")
def new_plugin(name: str, package: bool) -> None:
    """Write NAME.py here, a spiking network that learns digits; with --package, the folder NAME.

    Nothing that exists is overwritten.
    """
    module = name.replace("-", "_")
    _check_name(name, module, package)
    values = _values(name, module, name if package else f"{name}.py")
    if package:
        texts = {
            Path(name) / Template(path).substitute(values): _filled(template, values)
            for template, path in _PACKAGE.items()
        }
    else:
        texts = {Path(f"{name}.py"): _filled("script", values) + _filled("plugin", values)}
    _write(texts)
    for path in texts:
        click.echo(f"wrote {path}")
    if package:
        click.echo(f"next: pip install -e ./{name}, then: harness check {name}")
    else:
        click.echo(f"next: harness check {name}.py, then: harness run --plugins {name}.py")


def _check_name(name: str, module: str, package: bool) -> None:
    from harness.catalogue.plugins import ALL, discover
    from harness.errors import UsageError

    if name.endswith(".py"):
        raise UsageError(
            f"{name!r} is a file's name: give the plugin's, {name.removesuffix('.py')}"
        )
    if not _NAME.fullmatch(name) or keyword.iskeyword(module) or name == ALL:
        raise UsageError(
            f"{name!r} cannot be a plugin's name: use small letters, digits and single hyphens, "
            "beginning with a letter, as in my-plugin"
        )
    if name in (plugin.name for plugin in discover()):
        raise UsageError(f"a plugin {name!r} is installed already: choose another name")
    # A folder without code is found as a module too, where the current folder is on the path.
    if package and (found := find_spec(module)) and found.origin:
        raise UsageError(
            f"there is a module {module!r} already, which the package would hide: choose another name"
        )


def _values(name: str, module: str, target: str) -> dict[str, str]:
    from importlib.metadata import version

    from harness.plugin.hookspecs import CONTRACT

    release = ".".join(version("snn-harness").split(".")[:2])
    return {
        "name": name,
        "module": module,
        "target": target,
        "contract": CONTRACT,
        "version": release,
    }


def _filled(template: str, values: dict[str, str]) -> str:
    text = (_TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _write(texts: dict[Path, str]) -> None:
    from harness.errors import UsageError

    # All or nothing: half a package beside somebody's files would help nobody.
    for path in (*texts, *(folder for file in texts for folder in file.parents[:-1])):
        if path.exists():
            raise UsageError(f"{path} exists already, and is not overwritten: choose another name")
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
