"""A tiny good plugin among plugins that go wrong in every way we know: each leaves its record."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.results.store import RunFolder

pytest.importorskip("torch")

TIMEOUT = 40

TRAIN = "\nimport os, signal, sys, time\n@hookimpl\ndef harness_train_step(model):\n    {}\n"
ENCODE = "\n@hookimpl\ndef harness_encode(inputs):\n    {}\n"
GRAY = """
@hookimpl
def harness_evaluate(model, spikes, record):
    layers = [Layer("hidden", spikes, model.weight, spikes / 2)] if record else []
    return Evaluation(model(spikes), layers)
"""
MISSING = '# /// script\n# dependencies = ["no-such-thing>=2"]\n# ///\n'

#: name: (what is appended to the good plugin, or in its place; status; what the reason matches)
BAD = {
    "hangs": (TRAIN.format("time.sleep(600)"), "timeout", rf"train: took longer than {TIMEOUT} s"),
    "raises": (
        TRAIN.format("raise ValueError('no gradient')"),
        "failed",
        "harness_train_step: ValueError: no gradient",
    ),
    "exits": (TRAIN.format("sys.exit(3)"), "crashed", r"harness_train_step: called exit\(3\)"),
    "dies": (TRAIN.format("os._exit(5)"), "crashed", "train: the process ended with exit code 5"),
    "killed": (
        TRAIN.format("os.kill(os.getpid(), signal.SIGKILL)"),
        "crashed",
        r"train: the process was killed by SIGKILL \(often the system running out of memory\)",
    ),
    "shape": (
        ENCODE.format("return inputs.flatten(1)[None, 1:]"),
        "invalid",
        r"harness_encode: shape \(1, 63, 64\), wanted \[T, B=64, \.\.\.\]",
    ),
    "nan": (
        ENCODE.format("return (inputs.flatten(1) / 0)[None]"),
        "invalid",
        "harness_encode: spikes: not finite, one value is nan",
    ),
    "gray": (
        GRAY,
        "invalid",
        "harness_evaluate: layer 'hidden': spikes are not binary, one is 0.5",
    ),
    "import-error": (
        "import no_such_module",
        "failed",
        "import: ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "syntax-error": ("def f(:\n", "failed", r"import: line \d+: invalid syntax"),
    "missing": (
        MISSING,
        "skipped",
        "no-such-thing is not installed; pip install 'no-such-thing>=2'",
    ),
}
FLOODS = "\nprint('flood ' * 200_000)\n" + TRAIN.replace("model", "model, spikes, targets").format(
    "print('step'); return {'loss': 0.0}"
)


class Finished(NamedTuple):
    folder: Path
    code: int
    out: str
    err: str
    seconds: float
    left: list


@pytest.fixture(scope="module")
def finished(start, tmp_path_factory, fixtures):
    folder = tmp_path_factory.mktemp("bad")
    good = (fixtures / "softmax.py").read_text()
    sources = {name: good + code for name, (code, _, _) in BAD.items()}
    sources |= {"syntax-error": BAD["syntax-error"][0], "missing": MISSING}
    sources |= {"good": good, "floods": good + FLOODS}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    files = ",".join(str(folder / f"{name}.py") for name in sources)
    began = time.monotonic()
    process = start(
        "run", "--plugins", files, "--seeds", "0", "--timeout", TIMEOUT, "--jobs", "3", "--rounds", "1",
        "--min-time", "0.01", "--device", "cpu", "--out", folder / "run",
    )  # fmt: skip
    out, err = process.communicate(timeout=900)
    return Finished(
        folder / "run", process.returncode, out, err, time.monotonic() - began, process.left()
    )


@pytest.mark.parametrize("name", BAD)
def test_each_leaves_a_record_with_its_status_and_reason(finished, lines, name):
    record = lines(finished.folder)[0][name, 0]
    _, status, reason = BAD[name]
    assert (record["status"], record["metrics"]) == (status, {})
    assert re.match(reason, record["reason"]), record["reason"]
    assert f"{name} seed=0: {status}: {record['reason']}" in finished.err


@pytest.mark.parametrize("name", ["raises", "exits", "shape", "import-error"])
def test_the_log_has_the_traceback(finished, lines, name):
    record = lines(finished.folder)[0][name, 0]
    assert "Traceback (most recent call last)" in (finished.folder / record["log"]).read_text()


@pytest.mark.parametrize("name", ["good", "floods"])
def test_the_good_ones_are_trained_and_measured_all_the_same(finished, lines, name):
    trials, timings = lines(finished.folder)
    assert trials[name, 0]["status"] == "ok"
    assert timings.keys() == {("good", 0), ("floods", 0)}
    assert timings[name, 0]["status"] == "ok"
    assert timings[name, 0]["metrics"]["latency_ms"]["median"] > 0


def test_the_good_one_learned(finished, lines):
    assert lines(finished.folder)[0]["good", 0]["metrics"]["test_accuracy"] > 0.5


def test_what_a_plugin_prints_is_in_its_log_alone(finished, lines):
    record = lines(finished.folder)[0]["floods", 0]
    text = (finished.folder / record["log"]).read_text()
    assert text.count("flood ") == 400_000  # imported once more, to load its network again
    assert text.count("step\n") == 20  # 1257 samples in batches of 64
    assert "flood " not in finished.out + finished.err


def test_the_exit_code_tells_that_a_trial_failed_and_no_traceback_is_shown(finished):
    assert finished.code == 1
    assert "Traceback" not in finished.err
    assert f"report: {finished.folder / 'report.html'}" in finished.out
    assert "no gradient" in (finished.folder / "report.html").read_text()


def test_no_record_is_lost_or_damaged(finished):
    records, problems = RunFolder.open(finished.folder).records()
    assert problems == []
    assert len(records) == len(BAD) + 2 + 2 + 1  # trials, timings, peaks


def test_a_hanging_plugin_is_waited_for_and_no_longer(finished):
    assert finished.seconds > TIMEOUT


def test_no_process_outlives_the_run(finished):
    assert finished.left == []
