"""The order in which a run planned its rows: records are appended as trials end, longer ones later."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.record import NetworkTiming, Record, TrialRecord
from harness.results.session import Session


def in_planned_order(records: Sequence[Record], sessions: Sequence[Session]) -> list[Record]:
    """`records` by task, row and seed as `sessions` planned them; what is of no network comes last.

    A row is placed by the latest session whose plan has it. Rows that no plan has keep their order, after
    the others of their task.
    """
    networks = [r for r in records if isinstance(r, (TrialRecord, NetworkTiming))]
    planned = [key for session in reversed(sessions) for key in session.rows]
    every = dict.fromkeys((*planned, *(record.row.key for record in networks)))
    rows = {key: place for place, key in enumerate(every)}
    seeds = _seeds(sessions)
    networks.sort(key=lambda r: (rows[r.row.key], seeds.get(r.seed, len(seeds))))
    tasks = {task: n for n, task in enumerate(dict.fromkeys(r.row.task for r in networks))}
    networks.sort(key=lambda r: tasks[r.row.task])
    others = [r for r in records if not isinstance(r, (TrialRecord, NetworkTiming))]
    return [*networks, *others]


def _seeds(sessions: Sequence[Session]) -> dict[int, int]:
    """The places of the seeds: those of the latest session first."""
    lists = [session.config.get("seeds") for session in reversed(sessions)]
    every = [seed for seeds in lists if isinstance(seeds, list) for seed in seeds]
    return {seed: n for n, seed in enumerate(s for s in every if isinstance(s, int))}
