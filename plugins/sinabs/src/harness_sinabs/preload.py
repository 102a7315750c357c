"""sinabs and its plugins, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import sinabs.activation
import sinabs.layers
import torch

import harness.plugin.toolkit.bptt
import harness_sinabs.bptt
import harness_sinabs.layer
