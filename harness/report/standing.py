"""How the rows' accuracies compare: their places, their differences in points, class by class."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from harness.report.classes import class_name
from harness.report.content import Column, Item, Table, prose
from harness.report.numbers import ABSENT
from harness.report.rows import NetworkRow
from harness.results.accuracy import ClassAccuracy, class_accuracy
from harness.results.answers import Answers
from harness.results.ranking import Ranking
from harness.results.standings import Difference

#: A table of classes has as many columns as there are classes: of more, confusion.csv has them all.
MOST_CLASSES = 20

#: Of more classes, nothing is counted: every pair of them would be a line of confusion.csv.
MOST_COUNTED = 1000


def places(rows: Sequence[NetworkRow], ranking: Ranking) -> Table | None:
    """A line for each row whose answers were kept, the best place first."""
    if len(ranking.places) < 2:
        return None
    names = {row.row.key: row.name for row in rows}
    in_family = {
        key: (first, difference)
        for first, differences in ranking.families.items()
        for key, difference in differences.items()
    }
    columns = [
        Column("Row"),
        Column(
            "Place", "all pairs compared: a row cannot be told from the best of its place", True
        ),
        Column(f"Against {names[ranking.baseline]}"),
    ]
    columns += [Column("The same network, on another framework")] if in_family else []
    lines = []
    for row in sorted(rows, key=lambda row: ranking.places.get(row.row.key, len(names) + 1)):
        key = row.row.key
        if key not in ranking.places:
            continue
        against = (
            "the baseline"
            if key == ranking.baseline
            else difference_text(ranking.differences.get(key))
        )
        line = [
            Item(row.name, colour=row.look.colour),
            Item(str(ranking.places[key])),
            Item(against),
        ]
        if in_family:
            first, family_difference = in_family.get(key, ("", None))
            joint = "with" if family_difference and family_difference.verdict == "tie" else "than"
            line.append(
                Item(
                    f"{difference_text(family_difference)} {joint} {names[first]}"
                    if family_difference
                    else ABSENT
                )
            )
        lines.append(line)
    one = all(difference.kind.startswith("1 ") for difference in ranking.differences.values())
    which = "places_of_one_seed" if one else "places"
    note = prose("tables", which, baseline=names[ranking.baseline])
    return Table("places", "More or less accurate", columns, lines, note, "results versus")


def difference_text(difference: Difference | None) -> str:
    """`+0.4 points [-0.2, +1.0], a tie`; a dash where nothing was compared."""
    if difference is None:
        return ABSENT
    interval = ""
    if difference.low is not None and difference.high is not None:
        interval = f" [{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"
    verdict = "a tie" if difference.verdict == "tie" else difference.verdict
    return f"{100 * difference.value:+.2f} points{interval}, {verdict}"


def by_class(rows: Sequence[NetworkRow], answers: Answers) -> dict[str, ClassAccuracy]:
    """The accuracy within each class, and the confusions, by the rows' names."""
    import numpy as np

    accuracies = {}
    for row in rows:
        known = [
            answers.classes[t.predictions] for t in row.trials if t.predictions in answers.classes
        ]
        if known:
            predicted = np.stack(known)
            classes = int(max(predicted.max(), answers.labels.max())) + 1
            if classes > MOST_COUNTED:
                continue
            accuracies[row.name] = class_accuracy(predicted, answers.labels, classes)
    return accuracies


def classes(accuracies: Mapping[str, ClassAccuracy], names: Sequence[str] = ()) -> Table | None:
    """A line for each row, a column for each class, by its name where it has one."""
    if not accuracies:
        return None
    most = max(len(each.n) for each in accuracies.values())
    if most > MOST_CLASSES:
        return None
    sizes = next(iter(accuracies.values())).n
    columns = [Column("Row")]
    for number in range(most):
        samples = f"class {number}, {sizes[number] if number < len(sizes) else 0} test samples"
        columns.append(Column(class_name(number, names), samples, True))
    lines = []
    for name, each in accuracies.items():
        shares = [
            Item(ABSENT if math.isnan(share) else f"{100 * share:.1f} %") for share in each.accuracy
        ]
        lines.append([Item(name), *shares, *[Item(ABSENT)] * (most - len(shares))])
    return Table("classes", "Accuracy by class", columns, lines, prose("tables", "classes"))


def confusions(accuracies: Mapping[str, ClassAccuracy]) -> Iterator[tuple[str | int, ...]]:
    """The lines of confusion.csv: one for each pair of classes of a row, counted over all its seeds."""
    yield "row", "true", "predicted", "count"
    for name, each in accuracies.items():
        for true, counts in enumerate(each.confusion):
            yield from ((name, true, predicted, int(n)) for predicted, n in enumerate(counts))
