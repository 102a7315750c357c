"""snnTorch and its plugins, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import snntorch
import snntorch.surrogate
import torch

import harness.plugin.toolkit.bptt
import harness.plugin.toolkit.conversion
import harness_snntorch.bptt
import harness_snntorch.conversion
import harness_snntorch.layer
