"""The conformance suite for authors' own tests: pytest loads this wherever the harness is installed.

`pytest --harness-plugin NAME` adds one test for each check of `harness check NAME`. The fixture
`harness_check` runs all of them inside a test of one's own:

    def test_the_plugin_does_what_the_contract_asks(harness_check):
        harness_check("my-plugin")
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.coordinator.conformance import Result

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Adds one test for each check of each plugin that was asked for."""
    names = config.getoption("--harness-plugin")
    if not names:
        return
    from harness.coordinator.conformance import choose
    from harness.errors import UsageError
    from harness.plugin.conformance import CHECKS

    try:
        plugins = choose(names)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    quick = config.getoption("--harness-quick")
    for plugin in plugins:
        target = plugin.location.file or plugin.name

        @cache
        def results(target: str = target) -> dict[str, Result]:
            return {result.check: result for result in _run(target, quick)}

        for check in CHECKS:
            name = f"harness-check[{plugin.name}-{check.name}]"
            items.append(
                ConformanceItem.from_parent(session, name=name, check=check.name, results=results)
            )


class ConformanceItem(pytest.Item):
    """One check of one plugin; the first of a plugin's runs them all."""

    def __init__(
        self, *, check: str, results: Callable[[], dict[str, Result]], **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self._check, self._results = check, results

    def runtest(self) -> None:
        """Fails or skips as the check does."""
        result = self._results()[self._check]
        if result.status == "failed":
            pytest.fail(result.line, pytrace=False)
        if result.status == "skipped":
            pytest.skip(result.detail)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the test stands, for pytest: nowhere, hence its name alone."""
        return self.path, None, self.name


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
