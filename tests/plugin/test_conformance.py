import re
from pathlib import Path

from harness.plugin.conformance import CHECKS

GUIDE = Path(__file__).parents[2] / "docs/plugin-guide.md"


def test_the_guide_lists_the_checks_that_there_are():
    (table,) = re.findall(r"<!-- checks -->\n(.*?)<!-- end -->", GUIDE.read_text(), re.DOTALL)
    rows = [f"| `{check.name}` | {check.requirement} |" for check in CHECKS]
    assert table.splitlines()[2:] == rows


def test_names_are_unique_and_a_check_needs_what_comes_before_it():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(not one.needs or one.needs in names[:place] for place, one in enumerate(CHECKS))


def test_every_check_says_what_to_change():
    assert all(check.requirement and check.mend for check in CHECKS)
