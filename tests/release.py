"""Builds every distribution, checks it, installs the wheels outside of the checkout and runs them.

`uvx --with tox-uv tox -e release` runs it; what it built lies in dist/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"

#: What is run: of two distributions one plugin each, briefly.
RUN = ["--plugins", "ann-relu,snntorch-bptt", "--seeds", "0", "--no-timing", "--set", "*.epochs=1"]


def call(*command: str, folder: Path) -> None:
    """Carries out a command in `folder`; CalledProcessError where it fails."""
    print("$", *command, flush=True)
    clean = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    subprocess.run(command, cwd=folder, check=True, env=clean)


def main() -> None:
    """Everything, in order; the first that fails ends it."""
    shutil.rmtree(DIST, ignore_errors=True)
    call("uv", "build", "--quiet", "--all-packages", "--out-dir", str(DIST), folder=ROOT)
    built = sorted(str(path) for path in DIST.iterdir() if path.suffix in {".whl", ".gz"})
    call(sys.executable, "-m", "twine", "check", "--strict", *built, folder=ROOT)
    with tempfile.TemporaryDirectory(prefix="harness-release-") as scratch:
        elsewhere = Path(scratch)
        call("uv", "venv", "--quiet", "--python", sys.executable, "env", folder=elsewhere)
        python, constraints = str(elsewhere / "env/bin/python"), str(ROOT / "constraints.txt")
        wheels = [path for path in built if path.endswith(".whl")]
        install = ("uv", "pip", "install", "--quiet", "--python", python, "-c", constraints)
        call(*install, *wheels, folder=elsewhere)
        harness = str(elsewhere / "env/bin/harness")
        call(harness, "plugins", folder=elsewhere)
        call(harness, "run", *RUN, "--out", "run", folder=elsewhere)
        call(harness, "report", "run", folder=elsewhere)
    print(f"{len(built)} files in {DIST.name}/ are fit to be published")


if __name__ == "__main__":
    main()
