"""The installed command as a user starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [str(Path(sys.executable).with_name("harness")), "run"]


@pytest.fixture(scope="session")
def start(cache):
    """Starts `harness run` with `words`, its output in pipes."""
    environment = {**os.environ, "HARNESS_CACHE": str(cache), "COLUMNS": "200"}
    environment.pop("HARNESS_DATA", None)

    def process(*words):
        return subprocess.Popen(
            [*COMMAND, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return process


@pytest.fixture(scope="session")
def lines():
    """The records of a run as plain JSON objects: trials and timings apart, by their keys."""

    def read(folder):
        found = {"trial": {}, "timing": {}}
        for line in (folder / "trials.jsonl").read_text().splitlines():
            record = json.loads(line)
            assert record["key"] not in found[record["stage"]], "a trial was repeated"
            found[record["stage"]][record["key"]] = record
        return found["trial"], found["timing"]

    return read
