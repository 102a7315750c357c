import pytest

from harness.coordinator.conformance import Result
from harness.plugin.conformance import CHECKS

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester, monkeypatch, plugin_file):
    """Runs pytest with the plugin, where the suite finds one failure; returns what it ran."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    asked = []

    def check(plugin, *, quick):
        asked.append((plugin, quick))
        status = {"spikes": "failed", "devices": "skipped"}
        return [
            Result("mine", one.name, status.get(one.name, "ok"), "a detail", "a mend")
            for one in CHECKS
        ]

    monkeypatch.setattr("harness.coordinator.conformance.check", check)
    file = str(plugin_file("mine", "x = 1"))

    def run(*words, test=""):
        if test:
            pytester.makepyfile(test)
        words = [file if word == "FILE" else word for word in words]
        return pytester.runpytest_inprocess("-p", "harness.pytest_plugin", *words), asked

    return run


def test_each_check_is_a_test_and_the_suite_runs_once(suite, plugin_file):
    result, asked = suite("--harness-plugin", "FILE", "--harness-quick", "-rA")
    result.assert_outcomes(passed=len(CHECKS) - 2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*harness-check?mine?::spikes*", "FAILED  spikes*a detail; a mend*"]
    )
    assert [quick for _, quick in asked] == [True]


def test_checks_can_be_selected_like_any_test(suite):
    result, _ = suite("--harness-plugin", "FILE", "-k", "learning or memory")
    result.stdout.fnmatch_lines([f"collected {len(CHECKS)} items / * / 2 selected"])
    result.assert_outcomes(passed=2, deselected=len(CHECKS) - 2)


def test_the_fixture_fails_with_the_line_of_what_failed(suite):
    result, asked = suite(test="def test_it(harness_check):\n    harness_check('mine', quick=True)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAILED  spikes*a detail; a mend*"])
    assert asked == [("mine", True)]


def test_an_unknown_plugin_is_one_line(suite):
    result, asked = suite("--harness-plugin", "no-such-plugin")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*ERROR: *unknown plugin 'no-such-plugin'*"])
    assert not asked


def test_without_the_option_nothing_is_added(suite):
    result, asked = suite(test="def test_it(): pass")
    result.assert_outcomes(passed=1)
    assert not asked
