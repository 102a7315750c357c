"""A forecast, and what it refuses because the run would."""

from __future__ import annotations

import pytest

from harness.coordinator import api
from harness.errors import UsageError

pytest.importorskip("torch")


@pytest.mark.usefixtures("no_data")
def test_a_forecast_refuses_what_is_known_once_plugins_are_imported(plugin_file):
    path = str(plugin_file("mine", base="softmax"))
    few = {"limit": 60, "seeds": [0], "device": "cpu", "timing": False}
    for options, reason in (
        ({"metrics": "nothing"}, "unknown metric 'nothing'"),
        ({"metrics": "gone.py"}, "metric file gone.py"),
        ({"baseline": "nobody"}, "unknown row 'nobody' for --baseline"),
        ({"baseline": "mine", "params": {"mine": {"steps": [2, 3]}}}, "names 2 rows"),
        ({"preset": ["quick", "none"]}, "unknown preset 'none'"),
    ):
        with pytest.raises(UsageError, match=reason) as error:
            api.forecast(path, **few, **options)
        assert error.value.option == next(iter(options))
    assert api.forecast(path, **few).trials == 1
