"""What a release promises, read from the files that it is built from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOST = tomllib.loads((ROOT / "pyproject.toml").read_text())
DISTRIBUTIONS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
each_distribution = pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda path: path.name)


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def test_uv_run_gets_the_versions_that_were_tested():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line]
    assert HOST["tool"]["uv"]["constraint-dependencies"] == pins
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^\s;]+", pin) for pin in pins)


@each_distribution
def test_a_distribution_says_what_it_is(folder):
    told = project(folder)
    for field in ("authors", "classifiers", "description", "keywords", "license", "readme"):
        assert told[field], field
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "Typing :: Typed" in told["classifiers"]
    assert list(folder.glob("src/*/py.typed")) or (folder / "harness/py.typed").exists()


@each_distribution
def test_host_and_plugins_are_of_one_minor_version(folder):
    told = project(folder)
    assert told["version"] == HOST["project"]["version"]
    major, minor = told["version"].split(".")[:2]
    bounds = f">={major}.{minor},<{major}.{int(minor) + 1}"
    needs = [*told["dependencies"], *told.get("optional-dependencies", {}).get("all", ())]
    ours = [need for need in needs if need.startswith("snn-harness")]
    assert ours
    assert all(need.endswith(bounds) for need in ours)


def test_all_brings_every_distribution_of_plugins():
    """Not that of tasks: tonic brings librosa and numba."""
    named = {need.partition(">")[0] for need in HOST["project"]["optional-dependencies"]["all"]}
    announcing = [
        project(f) for f in DISTRIBUTIONS if "harness" in project(f).get("entry-points", {})
    ]
    assert named == {told["name"] for told in announcing}


def test_the_citation_is_of_this_version():
    assert f"version: {HOST['project']['version']}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("name", ["tests", "release"])
def test_a_workflow_runs_environments_that_tox_has(name):
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    tox = (ROOT / "tox.ini").read_text()
    named = [env for found in re.findall(r"tox -e ([\w,-]+)", text) for env in found.split(",")]
    assert named
    assert all(f"[testenv:{env}]" in tox for env in named)
