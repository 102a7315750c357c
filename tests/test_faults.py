"""What docs/reliability.md says, held against the tries that were made."""

from __future__ import annotations

from tests.faults import table
from tests.faults.kinds import FAULTS

TITLES = {name: each.__doc__ for name, each in FAULTS.items()}


def test_the_table_of_faults_is_of_the_tries_that_were_made():
    """`python -m tests.faults --page` writes it."""
    page = table.PAGE.read_text()
    assert table.written(page, table.table(table.read(), TITLES)) == page


def test_a_try_that_failed_is_counted_as_one():
    tries = [
        {"fault": "node", "records": 2, "code": 0, "became": table.GOOD},
        {"fault": "node", "records": 9, "code": -1, "became": "FAILED: a record was lost"},
    ]
    head, _, line = table.table(tries, TITLES).splitlines()
    assert head.startswith("| fault | tries | as wanted |")
    assert line.endswith("| 2 | 1 | -1, 0 | 2 to 9 |")
