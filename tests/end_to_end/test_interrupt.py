"""A run that is interrupted in the middle of a trial, twice, and then carried on to its end."""

from __future__ import annotations

import signal

import pytest

pytest.importorskip("torch")

# Trains seed 0 as ever; at seed 1 it starts a child and hangs until the file `go` is there.
STUCK = """
import os, subprocess, sys, time

@hookimpl
def harness_finish_training():
    if torch.initial_seed() == 1 and not os.path.exists({go!r}):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open({pids!r}, "w") as file:
            file.write(f"{{os.getpid()}} {{child.pid}}\\n")
        time.sleep(600)
"""


@pytest.mark.timeout(500)
def test_an_interrupted_run_keeps_what_it_has_and_is_carried_on(
    start, lines, plugin_file, tmp_path, eventually, gone
):
    go, pids, folder = tmp_path / "go", tmp_path / "pids", tmp_path / "run"
    file = plugin_file("stuck", STUCK.format(go=str(go), pids=str(pids)), base="softmax")

    def interrupted(number, *words):
        """Starts a run, waits until it is stuck, sends it the signal: what it says at its end."""
        pids.unlink(missing_ok=True)
        process = start(*words)
        try:
            eventually(lambda: pids.exists() and pids.read_text().endswith("\n"), seconds=120)
            process.send_signal(number)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
        for pid in map(int, pids.read_text().split()):
            eventually(lambda pid=pid: gone(pid), seconds=10, what="the end of an orphan")
        assert process.returncode == 130
        assert err.splitlines()[-1] == (
            "harness: interrupted; finished trials are kept, carry on with: "
            f"harness run --resume {folder}"
        )
        assert "Traceback" not in err

    interrupted(
        signal.SIGINT, "--plugins", file, "--seeds", "0,1", "--jobs", "1", "--rounds", "1",
        "--min-time", "0.01", "--device", "cpu", "--out", folder,
    )  # fmt: skip
    trials, timings = lines(folder)
    (first,) = trials.values()
    assert (first["key"], first["status"], timings) == ("stuck seed=0", "ok", {})

    interrupted(signal.SIGTERM, "--resume", folder)
    assert lines(folder) == (trials, {})

    go.touch()
    process = start("--resume", folder)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "2 trials on digits (quick), 1 of them done before" in err
    trials, timings = lines(folder)
    assert trials["stuck seed=0"] == first
    assert trials["stuck seed=1"]["status"] == "ok"
    assert timings.keys() == {"stuck seed=0"}
    assert (folder / "report.html").is_file()
