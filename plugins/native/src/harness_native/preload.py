"""Third-party modules of the native plugins, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import torch

import harness.plugin.toolkit.bptt
import harness.plugin.toolkit.conversion
import harness.plugin.toolkit.stdp
