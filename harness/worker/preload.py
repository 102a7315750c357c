"""What every worker imports: for a starter, which does so once. Imports torch."""

from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

import numpy.ctypeslib
import numpy.random  # noqa: F401

import harness.measure.roofline
import harness.tasks.prepare
import harness.worker.hooks
import harness.worker.layer_hook
import harness.worker.proof.equality
import harness.worker.reload
import harness.worker.sessions.layer
import harness.worker.sessions.network
import harness.worker.sessions.probe
import harness.worker.train  # noqa: F401

#: What torch imports at a model's first backward pass: 15 ms of every process. Torch's own affair, so that
#: another version may have other names.
_LATE = ("torch.nested._internal.nested_tensor", "torch.fx.experimental._constant_symnode")

#: What most plugins import: 3 ms of every process. For them alone; the host does without it.
_TOOLKIT = "harness.plugin.toolkit"

for _module in iter_modules(import_module(_TOOLKIT).__path__):
    import_module(f"{_TOOLKIT}.{_module.name}")
for _name in _LATE:
    with suppress(ImportError):
        import_module(_name)
