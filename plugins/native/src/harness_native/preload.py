"""The native plugins and what they need, imported once before a process is forked for each worker."""

# ruff: noqa: F401 (imported to be there after the fork)

import torch

import harness.plugin.toolkit.bptt
import harness.plugin.toolkit.conversion
import harness.plugin.toolkit.stdp
import harness_native.ann_relu
import harness_native.bptt
import harness_native.dfa
import harness_native.eligibility
import harness_native.layer
import harness_native.relu_spike
import harness_native.stdp
import harness_native.superspike
