"""Which rows of a run are more accurate than which: places, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.results.record import NetworkTiming
from harness.results.standings import Difference, accuracy_differences, places
from harness.results.summary import Summary


@dataclass(frozen=True)
class Ranking:
    """What the answers of all rows support, by the rows' keys.

    Rows that share a place are ties. `differences` are those from `baseline`, and `families` holds, for
    the key of the first row of each family, those of its others: one network on several frameworks.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    baseline: str = ""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    families: Mapping[str, Mapping[str, Difference]] = field(default_factory=dict)

    def best(self) -> list[str]:
        """The rows that cannot be told from the most accurate one, that included."""
        return [key for key, place in self.places.items() if place == 1]


def rank(rows: Sequence[Summary], baseline: str = "") -> Ranking:
    """The ranking of the rows whose answers were kept, without those that are refuted.

    `baseline` is a row's key; where it is empty or has no answers, it is that of the timings, else the
    first row.
    """
    outcomes = {
        row.row.key: row.outcomes for row in rows if row.outcomes is not None and not row.refuted
    }
    if not outcomes:
        return Ranking()
    timed = (row.timing.baseline for row in rows if isinstance(row.timing, NetworkTiming))
    wanted = (key for key in (baseline, *timed, *outcomes) if key in outcomes)
    chosen = next(wanted)
    families: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.row.key in outcomes and row.family[0]:
            families.setdefault(row.family, []).append(row.row.key)
    return Ranking(
        places=places(outcomes),
        baseline=chosen,
        differences=accuracy_differences(outcomes, chosen),
        families={
            keys[0]: accuracy_differences({key: outcomes[key] for key in keys}, keys[0])
            for keys in families.values()
            if len(keys) > 1
        },
    )
