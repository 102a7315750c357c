import json

import pytest

from harness.coordinator.conformance import Result


@pytest.fixture
def results(monkeypatch):
    """Sets what the suite finds."""

    def give(*found):
        def run(plugins, *, device, quick, isolate, each, listener):
            for result in found:
                each(result)
            return list(found)

        monkeypatch.setattr("harness.coordinator.conformance.check", run)

    return give


OK = Result("mine", "contract", "ok", "contract 1.0")
SKIPPED = Result("mine", "devices", "skipped", "torch finds no CUDA device here")
FAILED = Result("mine", "spikes", "failed", "not binary, one is 0.5", "set spiking=False")


def test_each_check_is_a_line_and_what_failed_says_the_mend(harness, results):
    results(OK, FAILED, SKIPPED)
    code, out, _ = harness("check", "mine")
    assert code == 1
    assert out.splitlines() == [
        "mine",
        "  ok      contract     contract 1.0",
        "  FAILED  spikes       not binary, one is 0.5; set spiking=False",
        "  skipped devices      torch finds no CUDA device here",
        "",
        "1 ok, 1 failed, 1 skipped",
    ]


def test_what_is_skipped_is_no_failure(harness, results):
    results(OK, SKIPPED)
    assert harness("check", "mine")[0] == 0


def test_json_holds_the_same(harness, results):
    results(OK, FAILED)
    code, out, _ = harness("check", "mine", "--json")
    assert code == 1
    told = json.loads(out)
    assert [(row["check"], row["status"], row["mend"]) for row in told] == [
        ("contract", "ok", ""),
        ("spikes", "failed", "set spiking=False"),
    ]


def test_an_unknown_plugin_and_an_unknown_device_are_one_line(harness, plugin_file):
    code, _, err = harness("check", "no-such-plugin")
    assert code == 2 and err.startswith("harness: unknown plugin 'no-such-plugin'")
    code, _, err = harness("check", plugin_file("fine", "x = 1"), "--device", "tpu")
    assert code == 2 and "unknown device 'tpu'" in err
    assert harness("check")[0] == 2
