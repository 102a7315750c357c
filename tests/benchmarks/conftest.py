from __future__ import annotations

import pytest


@pytest.fixture
def takes_long(request):
    """A benchmark that takes most of a minute is left out of the tests, which call every other once."""
    if not request.config.option.benchmark_enable:  # --benchmark-disable stands in addopts
        pytest.skip("takes long: tox -e bench")
