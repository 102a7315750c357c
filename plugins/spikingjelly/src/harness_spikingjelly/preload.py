"""SpikingJelly and its plugins, imported once before a process is forked for each worker.

At the first step of a neuron, SpikingJelly imports its kernels and registers them with
`torch.library.triton_op`, which imports torch's compiler. That takes seconds, so both are imported here.
"""

# ruff: noqa: F401 (imported to be there after the fork)

from contextlib import suppress
from importlib import import_module

import spikingjelly.activation_based.ann2snn.modules
import spikingjelly.activation_based.functional
import spikingjelly.activation_based.learning
import spikingjelly.activation_based.neuron
import spikingjelly.activation_based.surrogate
import torch._dynamo

import harness.plugin.toolkit.bptt
import harness.plugin.toolkit.conversion
import harness.plugin.toolkit.stdp
import harness_spikingjelly.bptt
import harness_spikingjelly.conversion
import harness_spikingjelly.layer
import harness_spikingjelly.stdp
import harness_spikingjelly.supervised

#: SpikingJelly's own affair, so that another version may have other names; the last is of its progress bar.
_LATE = ("spikingjelly._ops.lif", "spikingjelly._ops.if_", "multiprocessing.synchronize")

for _name in _LATE:
    with suppress(ImportError):
        import_module(_name)
