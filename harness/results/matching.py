"""Which row of a later run is which row of an earlier one, although its code has changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.results.labels import labels
from harness.results.summary import Summary
from harness.subjects import LayerRow, Row

#: What may differ between two runs of one row: it is what changed. `swept` is only how it was asked for.
_MAY_CHANGE = {"framework", "framework_version", "digest", "swept"}


@dataclass(frozen=True)
class Pair:
    """One row in two runs; its label is that of the later run's row, among all rows of both."""

    old: Summary
    new: Summary
    label: str


@dataclass(frozen=True)
class Matched:
    """The rows that both runs have, and those that only one of them has, labelled among all of both."""

    pairs: Sequence[Pair]
    only_old: Sequence[Summary]
    only_new: Sequence[Summary]


def identity(row: Row | LayerRow) -> str:
    """What stays the same when the code of a row changes, as text: plugin, task, preset, parameters, ..."""
    return json.dumps(row.model_dump(mode="json", exclude=_MAY_CHANGE), sort_keys=True)


def match(old: Sequence[Summary], new: Sequence[Summary]) -> Matched:
    """Pairs the rows of two runs.

    A version that adds or removes a parameter still has the same row, if the parameters that both
    versions have are equal and no other row fits. Of several rows of one run with the same identity, as
    of two versions of the code, the last one counts.
    """
    theirs = {identity(summary.row): summary for summary in old}
    ours = {identity(summary.row): summary for summary in new}
    pairs = {key: (theirs.pop(key), ours.pop(key)) for key in [*ours] if key in theirs}
    for key, summary in [*ours.items()]:
        fitting = [name for name, other in theirs.items() if _fits(other.row, summary.row)]
        rivals = [
            other for other in ours.values() if fitting and _fits(theirs[fitting[0]].row, other.row)
        ]
        if len(fitting) == len(rivals) == 1:
            pairs[key] = theirs.pop(fitting[0]), ours.pop(key)
    order = {identity(summary.row): place for place, summary in enumerate(new)}
    both = [pairs[key] for key in sorted(pairs, key=lambda key: order[key])]
    single = [*theirs.values(), *ours.values()]
    names = labels([*(now.row for _, now in both), *(summary.row for summary in single)])
    called = [replace(summary, label=n) for summary, n in zip(single, names[len(both) :])]
    return Matched(
        [Pair(then, now, name) for (then, now), name in zip(both, names)],
        called[: len(theirs)],
        called[len(theirs) :],
    )


def _fits(old: Row | LayerRow, new: Row | LayerRow) -> bool:
    if not (isinstance(old, Row) and isinstance(new, Row)):
        return False
    shared = old.params.keys() & new.params.keys()
    added = old.params.keys() ^ new.params.keys()
    # Runs of earlier versions do not say what data they are of.
    unknown = old.data != new.data and None in (old.data, new.data)
    bare: dict[str, object] = {"params": {}, **({"data": None} if unknown else {})}
    return (
        (bool(added) or unknown)
        and all(old.params[name] == new.params[name] for name in shared)
        and identity(old.model_copy(update=bare)) == identity(new.model_copy(update=bare))
    )
