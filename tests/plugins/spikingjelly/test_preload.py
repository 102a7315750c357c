"""A starter imports all that a worker needs of SpikingJelly: what comes after a fork, each worker pays."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("spikingjelly")

from harness.coordinator.processes.worker_environment import worker_environment

LATER = """
import sys
import harness.worker.preload, harness_spikingjelly.preload
import torch
from spikingjelly.activation_based import neuron
before = set(sys.modules)
for kind in (neuron.LIFNode, neuron.IFNode):
    kind(step_mode="m")(torch.ones(2, 1, 1))
print(*(set(sys.modules) - before))
"""


def test_the_first_step_of_a_neuron_imports_nothing():
    found = subprocess.run(
        [sys.executable, "-c", LATER],
        env=worker_environment(1),
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == []
