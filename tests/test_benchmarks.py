"""The benchmarks that are commands run: what they measure changes beside them."""

import subprocess
import sys

import pytest


@pytest.mark.native
def test_the_costs_of_the_checks_are_told():
    pytest.importorskip("torch")
    words = ["-m", "tests.benchmarks.check_costs", "--plugins", "ann-relu", "--seeds", "1"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("ann-relu"))
    assert "reload" in row
    assert "no trial finished" not in done.stdout
