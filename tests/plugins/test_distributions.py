"""Every distribution under plugins/ is complete, and what it preloads is enough for a fork."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
FRAMEWORKS = ["native", "norse", "sinabs", "snntorch", "spikingjelly"]

FIRST_STEPS = """
import importlib, os, sys, threading
import torch
framework = sys.argv[1]
importlib.import_module(f"harness_{framework}.preload")
assert threading.active_count() == 1
assert not torch.cuda.is_initialized()

from harness.plugin import Neuron
if pid := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
torch.set_num_threads(2)
before = {name.partition(".")[0] for name in sys.modules}
module = importlib.import_module(f"harness_{framework}.layer")
layer = module.harness_layer(Neuron(0.875), 200, 300, torch.device("cpu"))
with torch.no_grad():
    layer.weight.normal_()
layer(torch.rand(5, 64, 200)).sum().backward()
assert layer.weight.grad.any()
new = {name.partition(".")[0] for name in sys.modules} - before
assert new <= {f"harness_{framework}"}, new
assert framework != "spikingjelly" or "torch._dynamo" in sys.modules
"""


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    return request.param


def test_is_complete(framework):
    folder = PLUGINS / framework
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert (project["readme"], project["license-files"]) == ("README.md", ["LICENSE"])
    readme = (folder / "README.md").read_text()
    assert f"-e . -e plugins/{framework}" in readme
    for plugin in project["entry-points"].get("harness", {}):
        assert f"`{plugin}`" in readme
    assert (folder / "LICENSE").read_text() == (PLUGINS.parent / "LICENSE").read_text()
    assert (folder / f"src/harness_{framework}/py.typed").exists()
    assert project["entry-points"]["harness.preload"] == {framework: f"harness_{framework}.preload"}
    assert list(project["entry-points"]["harness.framework"]) == [framework]


def test_the_distribution_of_tasks_is_complete():
    folder = PLUGINS / "tonic"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert (project["readme"], project["license-files"]) == ("README.md", ["LICENSE"])
    readme = (folder / "README.md").read_text()
    assert f"pip install {project['name']}" in readme
    assert all(f"`{task}`" in readme for task in project["entry-points"]["harness.task"])
    assert (folder / "LICENSE").read_text() == (PLUGINS.parent / "LICENSE").read_text()
    assert (folder / "src/harness_tonic/py.typed").exists()


def test_first_steps_after_a_fork_import_nothing_more(framework):
    pytest.importorskip("torch" if framework == "native" else framework)
    pytest.importorskip(f"harness_{framework}.layer")
    command = [sys.executable, "-W", "ignore", "-c", FIRST_STEPS, framework]
    assert subprocess.run(command, timeout=300).returncode == 0
