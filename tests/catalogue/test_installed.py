"""Versions and needs of what is installed."""

from __future__ import annotations

import pytest

from harness.catalogue.digest import package_digest
from harness.catalogue.installed import Installed


def test_a_version_is_that_of_the_metadata(distribution):
    distribution("one", version="1.2")
    assert Installed().version("one") == "1.2"
    assert Installed().version("no-such-thing") == ""
    assert Installed().version("") == ""


@pytest.mark.parametrize(
    ("needs", "extras", "problems"),
    [
        ([], (), []),
        (["one>=1"], (), []),
        (["one>=2"], (), ["one 1.2 is installed, wanted >=2"]),
        (["no-such-thing"], (), ["no-such-thing is not installed"]),
        (['no-such-thing; extra == "x"'], (), []),
        (['no-such-thing; extra == "x"'], ("x",), ["no-such-thing is not installed"]),
        (['no-such-thing; sys_platform == "plan9"'], (), []),
        (["one[x]"], (), ["deep is not installed"]),
        (["pre>=2"], (), []),  # a release candidate counts
    ],
)
def test_what_is_not_met_is_told(distribution, needs, extras, problems):
    distribution("one", version="1.2", requires=['deep; extra == "x"'])
    distribution("pre", version="2.1rc1")
    assert Installed().unmet_of(needs, extras) == problems


def test_needs_of_a_distribution_are_its_own_or_those_of_its_extras(distribution):
    distribution("two", requires=["no-such-thing", 'no-such-extra; extra == "x"'])
    assert Installed().unmet("two") == ["no-such-thing is not installed"]
    assert Installed().unmet("two", ("x",)) == ["no-such-extra is not installed"]


def test_the_code_of_a_package_is_read_once(distribution, tmp_path):
    site = distribution("three", modules={"three_pack/__init__": "", "three_pack/a": ""})
    installed = Installed()
    before = installed.digest("three_pack.a")
    assert before == installed.digest("three_pack") == package_digest("three_pack")
    (site / "three_pack" / "a.py").write_text("x = 1")
    assert installed.digest("three_pack.a") == before
    assert Installed().digest("three_pack.a") != before
