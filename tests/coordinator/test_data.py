from __future__ import annotations

import pytest

from harness.coordinator.data import prepare
from harness.errors import UsageError


@pytest.mark.usefixtures("no_data")
def test_data_that_cannot_be_had_are_a_usage_error_with_the_task(workers):
    with pytest.raises(UsageError, match=r"^task nothing: unknown task 'nothing'"):
        prepare("nothing", [], workers, lambda _: None)


def test_data_are_prepared_once_and_described(workers):
    pytest.importorskip("sklearn")
    said = []
    found = prepare("digits", [], workers, said.append)
    assert found.facts["splits"] == {"train": 1257, "validation": 180, "test": 360}
    assert prepare("digits", [], workers, said.append) == found
