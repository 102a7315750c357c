"""The conformance suite for authors' own tests: pytest loads this wherever the harness is installed.

`pytest --harness-plugin NAME` adds one test for each check of `harness check NAME`. The fixture
`harness_check` runs all of them inside a test of one's own:

    def test_the_plugin_does_what_the_contract_asks(harness_check):
        harness_check("my-plugin")
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.catalogue.plugins import Plugin
    from harness.coordinator.conformance import Result

#: The plugins of --harness-plugin.
_PLUGINS: pytest.StashKey[list[Plugin]] = pytest.StashKey()

# What runs the checks is imported where it is needed: this module is loaded in every run of pytest.


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("harness", "conformance of plugins of the harness")
    group.addoption(
        "--harness-plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="Check this plugin against the contract: a name, a FILE.py or a package.",
    )
    group.addoption(
        "--harness-quick",
        action="store_true",
        help="With --harness-plugin: train on fewer samples, and time nothing.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuses what is no plugin, before anything is collected."""
    if names := config.getoption("--harness-plugin"):
        from harness.coordinator.conformance import choose
        from harness.errors import UsageError

        try:
            config.stash[_PLUGINS] = choose(names)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Adds each plugin that was asked for to what the session collects."""
    report = yield
    if isinstance(collector, pytest.Session) and report.passed:
        for plugin in collector.config.stash.get(_PLUGINS, []):
            name = f"harness-check[{plugin.name}]"
            target = plugin.location.file or plugin.name
            node = Conformance.from_parent(collector, name=name, nodeid=name, target=target)
            report.result.append(node)
    return report


class Conformance(pytest.Collector):
    """The checks of one plugin, which is named as `target`: a test each."""

    def __init__(self, *, target: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._target = target

    @cached_property
    def results(self) -> dict[str, Result]:
        """What each check found; the first test that asks runs them all."""
        quick = self.config.getoption("--harness-quick")
        return {result.check: result for result in _run(self._target, quick)}

    def collect(self) -> Iterator[pytest.Item]:
        """A test for each check."""
        from harness.plugin.conformance import CHECKS

        for check in CHECKS:
            yield ConformanceItem.from_parent(self, name=check.name, suite=self)


class ConformanceItem(pytest.Item):
    """One check of one plugin."""

    def __init__(self, *, suite: Conformance, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._suite = suite

    def runtest(self) -> None:
        """Fails or skips as the check does."""
        result = self._suite.results[self.name]
        if result.status == "failed":
            pytest.fail(result.line, pytrace=False)
        if result.status == "skipped":
            pytest.skip(result.detail)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the test stands, for pytest: nowhere, hence its name alone."""
        return self.path, None, self.nodeid


@pytest.fixture
def harness_check() -> Callable[..., list[Result]]:
    """A function that checks a plugin: it fails with the line of every check that fails."""

    def run(plugin: str, quick: bool = False) -> list[Result]:
        results = _run(plugin, quick)
        if failed := [result.line for result in results if result.status == "failed"]:
            pytest.fail("\n".join([plugin, *failed]), pytrace=False)
        return results

    return run


def _run(plugin: str, quick: bool) -> list[Result]:
    from harness.coordinator.conformance import check

    return check(plugin, quick=quick)
