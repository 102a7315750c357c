"""A plugin's module: imported or loaded from its file, checked, and registered alone with pluggy."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

import pluggy

from harness.errors import OtherContract, nearest
from harness.plugin import hookspecs
from harness.subjects import PluginLocation

#: What a module may call itself written for: see `harness.plugin.hookspecs.CONTRACT`.
CONTRACT_NAME = "HARNESS_CONTRACT"


class LoadedPlugin:
    """One plugin, and its hooks as pluggy calls them; `current` is the hook that is running.

    A worker registers exactly one plugin, so each hook has one implementation.
    """

    def __init__(self, location: PluginLocation) -> None:
        self.name = location.name
        self.current = "import"
        manager = pluggy.PluginManager("harness")
        manager.add_hookspecs(hookspecs)
        with self.running("import"):
            module = load_module(location)
            check_contract(location.name, getattr(module, CONTRACT_NAME, hookspecs.CONTRACT))
            check_names(manager, module)
            manager.register(module, name=location.name)
        self.hook = manager.hook

    def lacks(self, *hooks: str) -> list[str]:
        """Those of `hooks` that the plugin does not implement."""
        return [name for name in hooks if not getattr(self.hook, name).get_hookimpls()]

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Names the hook that runs inside; after an error it tells where it happened."""
        self.current = name
        yield
        self.current = ""


def check_contract(name: str, written_for: object) -> None:
    """OtherContract where a plugin was written for another contract than this host's.

    The same major version, and a minor version that is not newer, will do.
    """
    theirs, ours = _version(written_for), _version(hookspecs.CONTRACT)
    if theirs is None:
        raise OtherContract(f'{name}: {CONTRACT_NAME} is {written_for!r}, wanted text like "1.0"')
    assert ours is not None
    if theirs[0] != ours[0] or theirs[1] > ours[1]:
        raise OtherContract(
            f"{name} is written for contract {written_for} and this host has {hookspecs.CONTRACT}: "
            f"{'update snn-harness' if theirs > ours else 'update the plugin'}"
        )


def check_names(manager: pluggy.PluginManager, module: ModuleType) -> None:
    """OtherContract where `module` implements a hook, or takes an argument, that there is none of."""
    known = {name: hook.spec.argnames for name, hook in vars(manager.hook).items() if hook.spec}
    for attribute in dir(module):
        marks = manager.parse_hookimpl_opts(module, attribute)
        if marks is None or marks.get("optionalhook"):
            continue
        name = marks.get("specname") or attribute
        # An alias that the module keeps for itself, as in pluggy's own check.
        if name.startswith("_"):
            continue
        if name not in known:
            raise OtherContract(f"unknown hook {name}{_meant(name, known)}")
        for argument in _arguments(getattr(module, attribute)):
            if argument not in known[name]:
                meant = _meant(argument, known[name], quote="`")
                raise OtherContract(f"{name} takes no `{argument}`{meant}")


def _arguments(function: Callable[..., object]) -> list[str]:
    """What pluggy passes to a hook: its positional arguments without defaults."""
    positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        each.name
        for each in inspect.signature(function).parameters.values()
        if each.kind in positional and each.default is each.empty
    ]


def _meant(name: str, known: Iterable[str], quote: str = "") -> str:
    near = nearest(name, known)
    if near:
        return f": did you mean {quote}{near}{quote}?"
    return f": there are {', '.join(known) or 'none'}"


def _version(text: object) -> tuple[int, int] | None:
    major, _, minor = str(text).partition(".")
    if not (isinstance(text, str) and major.isdecimal() and minor.isdecimal()):
        return None
    return int(major), int(minor)


def load_module(location: PluginLocation) -> ModuleType:
    """The plugin's module, imported or loaded from its file."""
    if location.module:
        return importlib.import_module(location.module)
    path = Path(location.file)
    # Not by its plain name: a file norse.py may well import norse.
    name = f"harness_file_{path.stem.replace('-', '_')}"
    loader = _SourceLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # What lies beside the file can be imported, and shadows nothing.
    sys.path.append(str(path.resolve().parent))
    loader.exec_module(module)
    return module


class _SourceLoader(SourceFileLoader):
    """Compiles the file each time, and leaves nothing beside it.

    Bytecode counts as fresh by the second and the size of its source: 0.1 changed to 0.2 within a
    second of the last run would go unseen.
    """

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)
