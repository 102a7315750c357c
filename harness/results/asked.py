"""How many trials a run was asked for: one that was interrupted leaves no record."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.record import Record, TrialRecord
from harness.results.session import Session


def asked_trials(records: Sequence[Record], sessions: Sequence[Session] = ()) -> int:
    """The trials that `sessions` asked for, with a record or without: at least as many as have one.

    Told by the plan's own number, and by what run.json names: every plugin with each of its seeds. Of a
    part of a run (`--shard`), and of rows of which no trial was recorded, only the plan's number tells. A
    merge of parts asks for the whole; of other runs, each has asked for its own.
    """
    trials = [record for record in records if isinstance(record, TrialRecord)]
    recorded = {trial.key for trial in trials}
    missing: set[str] = set()
    merged = any(session.merged_from for session in sessions)
    parts = any(session.config.get("shard") for session in sessions)
    origins = {place: session.merged_from for place, session in enumerate(sessions)}
    for place, session in enumerate(sessions):
        seeds = session.config.get("seeds")
        if not isinstance(seeds, (list, tuple)) or session.config.get("shard"):
            continue
        if merged and not parts and not session.merged_from and session.planned is None:
            continue  # the merge itself
        for plugin in session.plugins:
            its = [trial for trial in trials if trial.row.contender == plugin]
            own = [trial for trial in its if trial.session == place]
            alike = [trial for trial in its if origins.get(trial.session) == session.merged_from]
            rows = {trial.row.key for trial in own or alike or its} or {plugin}
            wanted = {f"{row}-seed{seed}" for row in rows for seed in seeds}
            missing |= wanted - recorded
    planned = [session.planned or 0 for session in sessions if not session.merged_from]
    return max(len(recorded) + len(missing), *planned, 0)
