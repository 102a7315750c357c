"""A network from a file of the user's: the function that a parameter names as FILE.py:FUNCTION."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from torch import nn

from harness.errors import UsageError


def load_network(text: str) -> nn.Module:
    """What the function returns that `text` names, called without arguments.

    Modules beside the file can be imported. UsageError in one line where the file cannot be read, has no
    such function, or where that returns something else than a module.
    """
    path, _, name = text.rpartition(":")
    module = _module(Path(path))
    function = getattr(module, name, None)
    if not callable(function):
        own = [key for key, value in vars(module).items() if _is_own_function(value, module)]
        raise UsageError(f"{path} has no function {name!r}; it has {', '.join(own) or 'none'}")
    network = function()
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise UsageError(f"{name}() of {path} returns a {kind}, and has to return an nn.Sequential")
    return network


def _module(path: Path) -> ModuleType:
    """The module in the file at `path`, compiled each time; nothing is left beside the file."""
    module = ModuleType(f"harness_network_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look for their module there
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    exec(compile(source, str(path), "exec"), vars(module))
    return module


def _is_own_function(value: object, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", "") == module.__name__
