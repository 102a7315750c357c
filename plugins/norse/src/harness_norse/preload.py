"""Norse and its plugins, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import norse.torch.functional.lif_box
import norse.torch.functional.reset
import norse.torch.module.lif_box
import torch

import harness.plugin.toolkit.bptt
import harness_norse.bptt
import harness_norse.layer
