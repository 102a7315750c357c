"""snnTorch as its plugins use it, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import snntorch
import snntorch.surrogate
import torch

import harness.plugin.toolkit.bptt
import harness.plugin.toolkit.conversion
