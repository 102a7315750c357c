"""Which row of a run a text names: `native-dfa hidden=64`, as tables do, or the plugin's name alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import UsageError, unknown
from harness.results.labels import VARYING, labels
from harness.results.session import Session
from harness.subjects import Row


def names_row(text: str, row: Row) -> bool:
    """Whether `text` names `row`: by its plugin, and what else a label may say of it.

    NAME names the plugin with any version of its framework, NAME@VERSION with one.
    """
    plugin, *fields = text.split() or [""]
    values = {name: str(getattr(row, name)) for name in VARYING}
    values |= {name: str(value) for name, value in row.swept.items()}
    return plugin in (row.plugin, row.contender) and all(
        values.get(name) == value for name, _, value in (field.partition("=") for field in fields)
    )


def rows_named(text: str, rows: Iterable[Row]) -> list[Row]:
    """Each of `rows` that `text` names: the one of that label, if any is called so."""
    distinct = list({row.key: row for row in rows}.values())
    exact = [row for row, name in zip(distinct, labels(distinct), strict=True) if name == text]
    return exact or [row for row in distinct if names_row(text, row)]


def baselines_named(text: str, rows: Iterable[Row]) -> list[Row]:
    """The row of each task that --baseline `text` names.

    UsageError where it names none at all, or several of one task: that with the names to choose from.
    """
    rows = list({row.key: row for row in rows}.values())
    named = rows_named(text, rows)
    if not named:
        raise unknown("row", text, labels(rows), "for --baseline")
    for own in _by_task(named):
        if len(own) > 1:
            task = [row for row in rows if row.task == own[0].task]
            names = dict(zip((row.key for row in task), labels(task), strict=True))
            several = ", ".join(repr(names[row.key]) for row in own)
            raise UsageError(f"--baseline {text!r} names {len(own)} rows, give one: {several}")
    return named


def baselines_asked(sessions: Sequence[Session], rows: Iterable[Row]) -> list[str]:
    """The keys of the rows, one a task, that the last of `sessions` asked the others to be compared with.

    A task of which it names no row, or several, as in a run that was merged, has none.
    """
    text = sessions[-1].config.get("baseline") if sessions else None
    if not isinstance(text, str) or not text.strip():
        return []
    return [own[0].key for own in _by_task(rows_named(text, rows)) if len(own) == 1]


def _by_task(rows: Iterable[Row]) -> list[list[Row]]:
    tasks: dict[str, list[Row]] = {}
    for row in rows:
        tasks.setdefault(row.task, []).append(row)
    return list(tasks.values())
