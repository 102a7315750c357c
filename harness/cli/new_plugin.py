"""`harness new-plugin`: a plugin, a task or a metric to begin with, which works as it is."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")


@dataclass(frozen=True)
class _Kind:
    """What can be begun: its word, its group of entry points, and the commands to give next.

    The first and the last of `commands` take its name. `needs` says what a run needs beside it. `file` are
    the templates of a file; the last is the module of a package too. `project` are those of a package's
    pyproject.toml.
    """

    noun: str
    group: str
    commands: tuple[str, ...]
    file: tuple[str, ...]
    project: tuple[str, ...] = ("pyproject",)
    host: str = "snn-harness"
    needs: str = ""


_PLUGIN = _Kind(
    "plugin", "harness", ("harness check", "harness run --plugins"),
    ("script", "plugin"), ("pyproject", "framework"), "snn-harness[worker]",
)  # fmt: skip
_NEEDS = (
    "A run needs a plugin too: any that is installed, or the one of `harness new-plugin my-plugin`."
)
_BESIDE = ("harness new-plugin my-plugin", "harness run --plugins my-plugin.py")
_TASK = _Kind(
    "task", "harness.task", ("harness tasks", _BESIDE[0], f"{_BESIDE[1]} --task"), ("task",),
    needs=_NEEDS,
)  # fmt: skip
_METRIC = _Kind(
    "metric", "harness.metric", ("harness metrics", _BESIDE[0], f"{_BESIDE[1]} --metrics"), ("metric",),
    needs=_NEEDS,
)  # fmt: skip


@click.command("new-plugin")
@click.argument("name")
@click.option("--task", is_flag=True, help="A task instead: images that it draws itself.")
@click.option("--metric", is_flag=True, help="A metric instead: of a trained network's scores.")
@click.option("--package", is_flag=True, help="Write a package with tests and a workflow for CI.")
def new_plugin(name: str, task: bool, metric: bool, package: bool) -> None:
    """Write NAME.py here, a spiking network that learns digits; with --package, the folder NAME.

    With --task or --metric it is a task or a metric. Nothing that exists is overwritten.
    """
    if task and metric:
        raise click.UsageError("--task and --metric are two things: write one after the other")
    kind = _TASK if task else _METRIC if metric else _PLUGIN
    module = _module(name)
    _check_name(name, module, kind, package)
    target = name if package else f"{name}.py"
    values = _values(name, module, target, kind)
    if package:
        texts = {
            Path(name) / Template(path).substitute(values): _filled(templates, values)
            for path, templates in _package(kind).items()
        }
    else:
        texts = {Path(target): _filled(kind.file, values)}
    _write(texts)
    for path in texts:
        click.echo(f"wrote {path}")
    if package:
        click.echo(f"next: pip install -e ./{name}, then: {values['look']}")
    else:
        click.echo(f"next: {', then: '.join(_commands(kind, target))}")


def _commands(kind: _Kind, target: str) -> list[str]:
    """What to give next, to look at it and to run it."""
    look, *between, run = kind.commands
    return [f"{look} {target}", *between, f"{run} {target}"]


def _module(name: str) -> str:
    return name.replace("-", "_").replace(" ", "_")


def _package(kind: _Kind) -> dict[str, tuple[str, ...]]:
    """The files of a package, with the templates of each."""
    return {
        "pyproject.toml": kind.project,
        "README.md": ("readme",),
        "src/$module/__init__.py": ("init",),
        "src/$module/$noun.py": kind.file[-1:],
        "tests/test_$noun.py": (f"test_{kind.noun}",),
        ".github/workflows/check.yml": ("workflow",),
    }


def _check_name(name: str, module: str, kind: _Kind, package: bool) -> None:
    from harness.catalogue.plugins import ALL
    from harness.errors import UsageError

    if name.endswith(".py"):
        raise UsageError(
            f"{name!r} is a file's name: give the {kind.noun}'s, {name.removesuffix('.py')}"
        )
    if keyword.iskeyword(module):
        raise UsageError(f"{name!r} is a Python keyword: choose another name")
    if not _NAME.fullmatch(name) or name == ALL:
        raise UsageError(
            f"{name!r} cannot be a {kind.noun}'s name: use small letters, digits and single hyphens, "
            f"beginning with a letter, as in my-{kind.noun}"
        )
    if kind is _METRIC and not 2 <= len(name) <= _LONGEST_METRIC:
        raise UsageError(f"{name!r}: a metric's name has 2 to {_LONGEST_METRIC} characters")
    if {name, module if kind is _METRIC else name}.intersection(_taken(kind)):
        raise UsageError(f"a {kind.noun} {name!r} is installed already: choose another name")
    if _hides(module if package else name):
        raise UsageError(
            f"there is a module {module!r} already, which {'the package' if package else f'{name}.py'} "
            "would hide: choose another name"
        )


def _hides(module: str) -> bool:
    """Whether `module` can be imported already, not counting what lies in the current folder.

    torch counts where it is missing too: every plugin imports it.
    """
    if module == "torch" or module in sys.stdlib_module_names:
        return True
    spec = find_spec(module)
    # A folder without code is found as a module too, where the current folder is on the path.
    return bool(spec and spec.origin and Path(spec.origin).parent.resolve() != Path.cwd())


#: As in the check of a metric's declaration.
_LONGEST_METRIC = 48


def _taken(kind: _Kind) -> Iterable[str]:
    """The names of what there is of this kind."""
    if kind is _TASK:
        from harness.catalogue.tasks import discover_tasks

        return [task.name for task in discover_tasks()]
    if kind is _METRIC:
        from harness.catalogue.metrics import discover_metrics
        from harness.coordinator.metrics import specs_of
        from harness.results.metrics import HOST, METRICS

        modules = discover_metrics()
        own = [spec for module in modules if module.built_in for spec in specs_of(module)]
        titles = [*(spec.title for spec in own), *(METRICS[name].title for name in HOST)]
        named = [_module(title.lower()) for title in titles]  # a title stands for one metric too
        return [*(m.name for m in modules), *(spec.name for spec in own), *HOST, *named]
    from harness.catalogue.plugins import discover

    return [plugin.name for plugin in discover()]


def _values(name: str, module: str, target: str, kind: _Kind) -> dict[str, str]:
    from importlib.metadata import version

    from harness.plugin.hookspecs import CONTRACT

    look, *run = _commands(kind, target)
    release = ".".join(version("snn-harness").split(".")[:2])
    return {
        "name": name,
        "module": module,
        "title": module.replace("_", " ").capitalize(),
        "target": target,
        "noun": kind.noun,
        "group": kind.group,
        "host": kind.host,
        "look": look,
        "run": "\n    ".join(run),
        "needs": f"\n{kind.needs}" if kind.needs else "",
        "contract": CONTRACT,
        "version": release,
    }


def _filled(templates: Iterable[str], values: dict[str, str]) -> str:
    texts = [(_TEMPLATES / f"{name}.txt").read_text(encoding="utf-8") for name in templates]
    return Template("".join(texts)).substitute(values)


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
