from __future__ import annotations

import re

import pytest

from harness.coordinator.folders import default_folder


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("digits-quick", "digits-quick"),
        ("my/task.py-source*,best", "my-task.py-source-best"),
        ("../../up-*", "..-..-up"),
    ],
)
def test_the_default_folder_tells_when_and_what_and_lies_in_results(name, plain):
    path = default_folder(name)
    assert path.parent.name == "results"
    assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{re.escape(plain)}", path.name)
