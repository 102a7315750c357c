"""The order in which a run planned its rows: records are appended as trials end, longer ones later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any

from harness.results.reading import is_number
from harness.results.record import NetworkTiming, Record, TrialRecord
from harness.results.session import Session
from harness.subjects import Row

#: Where a row stands in a plan: its plugin, its preset, its parameters.
Place = tuple[Any, ...]


def in_planned_order(records: Sequence[Record], sessions: Sequence[Session]) -> list[Record]:
    """`records` by task, row and seed as `sessions` planned them; what is of no network comes last.

    A row is placed by the latest session whose plan has it. Rows that no plan has keep their order, after
    the others of their task.
    """
    networks = [r for r in records if isinstance(r, (TrialRecord, NetworkTiming))]
    rows = {record.row.key: record.row for record in networks}
    names = [name for session in reversed(sessions) for name in session.data]
    tasks = {
        name: n for n, name in enumerate(dict.fromkeys([*names, *(r.task for r in rows.values())]))
    }
    plans = [_Plan(session) for session in reversed(sessions)]
    order: dict[str, Place] = {}
    for number, (key, row) in enumerate(rows.items()):
        places = ((age, place) for age, plan in enumerate(plans) if (place := plan.place(row)))
        age, place = next(places, (len(plans), ()))
        order[key] = tasks[row.task], age, *place, number
    seeds = _seeds(sessions)
    networks.sort(key=lambda r: (order[r.row.key], seeds.get(r.seed, len(seeds))))
    others = [r for r in records if not isinstance(r, (TrialRecord, NetworkTiming))]
    return [*networks, *others]


class _Plan:
    """What a session says of its plan; a damaged run.json may hold anything there."""

    def __init__(self, session: Session) -> None:
        config = session.config
        self._plugins = {name: place for place, name in enumerate(session.plugins)}
        self._presets = str(config.get("preset", "")).split(",")
        params = config.get("params")
        self._params = params if isinstance(params, Mapping) else {}

    def place(self, row: Row) -> Place | None:
        """Where the row stands; None where it is in another plan."""
        plugin = self._plugins.get(row.contender)
        preset = _first(fnmatchcase(row.preset, pattern) for pattern in self._presets)
        if plugin is None or preset is None:
            return None
        values: list[tuple[int, str]] = []
        for name, given in self._given(row.plugin).items():
            value = row.params.get(name)
            number = _first(_same(each, value) for each in given)
            if number is None:
                return None
            values.append((number, str(value)))
        # Only the plugin knows the order of presets that fit one pattern.
        return plugin, preset, row.preset, tuple(values)

    def _given(self, plugin: str) -> dict[str, Sequence[Any]]:
        """The values of its parameters, in the order in which the command gave them."""
        given: dict[str, Sequence[Any]] = {}
        for pattern, chosen in self._params.items():
            if fnmatchcase(plugin, str(pattern)) and isinstance(chosen, Mapping):
                given |= {name: v if isinstance(v, list) else [v] for name, v in chosen.items()}
        return given


def _seeds(sessions: Sequence[Session]) -> dict[int, int]:
    """The places of the seeds: those of the latest session first."""
    lists = [session.config.get("seeds") for session in reversed(sessions)]
    every = [seed for seeds in lists if isinstance(seeds, list) for seed in seeds]
    return {seed: n for n, seed in enumerate(s for s in every if isinstance(s, int))}


def _same(given: object, value: object) -> bool:
    """Whether `value` of a row is what `given` became: a text of the command line, or a value of Python."""
    text = str(given)
    if isinstance(value, bool):
        return text.lower() in (("true", "yes", "1") if value else ("false", "no", "0"))
    if is_number(value):
        try:
            return float(text) == value
        except ValueError:
            return False
    # A row names a file by its name and digest.
    return text == value or PurePath(text).name == str(value).rpartition("@")[0]


def _first(flags: Iterator[bool]) -> int | None:
    """The place of the first that is true."""
    return next((place for place, each in enumerate(flags) if each), None)
