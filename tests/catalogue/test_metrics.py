"""Metrics by hook are found without importing any."""

from __future__ import annotations

import pytest

from harness.catalogue.metrics import BUILT_IN, discover_metrics, metrics_file
from harness.errors import UsageError

BOOM = "raise RuntimeError('imported')\n"


def test_the_built_in_ones_come_first():
    found = discover_metrics()
    assert [each.name for each in found][: len(BUILT_IN)] == list(BUILT_IN)
    assert all(each.built_in and not each.digest for each in found[: len(BUILT_IN)])


def test_an_installed_module_is_found_and_not_imported(distribution):
    distribution("theirs", metrics={"mine": "theirs_mine"}, modules={"theirs_mine": BOOM})
    found = {each.name: each for each in discover_metrics()}["mine"]
    assert (found.distribution, found.status, found.built_in) == ("theirs", "ready", False)
    assert len(found.digest) == 64


def test_one_that_cannot_be_used_says_why(distribution):
    distribution(
        "theirs",
        metrics={"gone": "nowhere", "robustness": "theirs_mine"},
        modules={"theirs_mine": BOOM},
    )
    found = {each.name: each for each in discover_metrics()}
    assert (found["gone"].status, found["gone"].reason) == ("broken", "there is no module nowhere")
    assert found["robustness"].status == "ready"
    assert found["robustness of theirs"].reason == "the name is taken twice: snn-harness"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        ("def f(:\n", "line 1: "),
        (
            '# /// script\n# dependencies = ["no-such-thing"]\n# ///\n',
            "no-such-thing is not installed",
        ),
    ],
)
def test_a_file_that_could_not_be_imported_is_one_line(tmp_path, text, told):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=told) as error:
        metrics_file(path)
    assert str(error.value).startswith(f"metric file {path}: ")


def test_a_file_is_known_by_its_name_and_content(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(BOOM)
    found = metrics_file(path)
    assert (found.name, found.location.file, found.built_in) == ("mine", str(path), False)
    assert len(found.digest) == 64
