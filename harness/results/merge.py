"""Runs put together: the same rows become one with all their seeds, others stay apart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.results import predictions
from harness.results.metrics import METRICS
from harness.results.record import LayerTiming, NetworkTiming, Record, TrialRecord, current, latest
from harness.results.session import Session
from harness.results.store import COMMANDS, Description, RunFolder
from harness.results.tasks import by_task
from harness.subjects import Row

#: Parameters by plugin name or pattern, each with its values.
Params = Mapping[str, Mapping[str, Sequence[Any]]]

#: What belongs to a record, by the kind of record: (subfolder, what its file's name ends in).
_TRIAL = (("state", ".safetensors"), ("predictions", ".safetensors"), ("logs", ".log"))
_TIMING = (("samples", ".json"), ("logs", ".timing-1.log"), ("logs", ".timing-2.log"))
#: Wall-clock times differ between any two trials.
_CLOCK = {name for name, metric in METRICS.items() if metric.unit in {"s", "ms", "per second"}}


@dataclass(frozen=True)
class Part:
    """One of the runs that are put together.

    `keys` has, for a record that was given another key, the one that its files are named by.
    """

    folder: RunFolder
    description: Description
    records: Sequence[Record]
    problems: Sequence[str] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def sessions(self) -> Sequence[Session]:
        """Its sessions."""
        return self.description.sessions

    @classmethod
    def read(cls, path: Path) -> Part:
        """The run at `path`; UsageError where there is none that can be read, or it holds no session."""
        folder = RunFolder.open(path)
        description = folder.description()
        if not description.sessions:
            raise UsageError(f"{path} cannot be merged: its run.json holds no session")
        records, problems = folder.records()
        lines = [f"{path}: {problem}" for problem in problems]
        return cls(folder, description, current_of_each(records, description.sessions), lines)


@dataclass(frozen=True)
class Merged:
    """What is to be written: each record with the part that it comes from; `notes` say what was left."""

    sessions: Sequence[Session]
    records: Sequence[tuple[Part, Record]]
    notes: Sequence[str]


def current_of_each(records: Sequence[Record], sessions: Sequence[Session]) -> list[Record]:
    """The records that count in a folder, which may hold several runs put together.

    Within a run, a record of changed code replaces the one before; of two runs, both stay.
    """
    runs: dict[str, list[Record]] = {}
    for record in records:
        known = record.session < len(sessions)
        runs.setdefault(sessions[record.session].merged_from if known else "", []).append(record)
    return latest([record for of_one in runs.values() for record in current(of_one)])


def merged(parts: Sequence[Part], params: Params | None = None) -> Merged:
    """Every record of `parts` once; UsageError where they contradict each other or differ in their data.

    `params` are the parameters that the merged run asks for.

    Of a trial that several parts hold with the same outcome, the first counts. Of a row that was timed in
    several, the first timing counts: times of two groups do not compare.
    """
    _check_alike(parts)
    parts = _asked_alike(parts, params or {})
    sessions: list[Session] = []
    seen: dict[tuple[str, str], tuple[Part, Record]] = {}
    timed: dict[tuple[str, str], Part] = {}
    notes: list[str] = []
    for part in parts:
        for record in part.records:
            known = seen.get((record.kind, record.key))
            row = getattr(record, "row", None)
            if isinstance(record, (NetworkTiming, LayerTiming)) and row is not None:
                first = timed.setdefault((record.kind, row.key), part)
                if first is not part:
                    notes.append(
                        f"{row.plugin} was measured in {first.folder.path} and in {part.folder.path}: "
                        "the first measurement is kept"
                    )
                    continue
            elif known is not None:
                _check_same(known, (part, record))
                continue
            moved = record.model_copy(update={"session": record.session + len(sessions)})
            seen[record.kind, record.key] = part, moved
        sessions += _renamed(part)
    return Merged(sessions, list(seen.values()), list(dict.fromkeys(notes)))


def write(out: RunFolder, made: Merged, session: Session) -> None:
    """Writes the sessions, the records and their files to the new run `out`, and the merge's `session`."""
    for each in (*made.sessions, session):
        out.begin(each)
    for part, record in made.records:
        for source, target in _files(part, record, out):
            if source.is_file() and not target.exists():
                shutil.copyfile(source, target)
        if isinstance(record, TrialRecord):
            labels = part.folder.labels_of(record.row.task)
            target = out.path / "predictions" / labels.name
            if not target.exists() and labels.is_file():
                shutil.copyfile(labels, target)
        out.append(record)


def unified(configs: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """One configuration that asks for what all of `configs` ask for, and the options that have no union.

    Of those, the last one's value is kept. A part of a run that was sharded asks for all of it again.
    """
    config = dict(configs[-1])
    left = []
    for name, last in configs[-1].items():
        every = [each.get(name, last) for each in configs]
        if all(value == last for value in every):
            continue
        if name == "preset":
            config[name] = ",".join(dict.fromkeys(p for text in every for p in text.split(",")))
        elif name == "params" and (values := _values_of_all(every)) is not None:
            config[name] = values
        elif isinstance(last, (list, tuple)):
            config[name] = list(dict.fromkeys(value for values in every for value in values))
        elif isinstance(last, bool):
            config[name] = any(every)
        elif name not in {"shard", "jobs", "timeout", "executor", "scheduler"}:
            left.append(name)
    return config | ({"shard": ""} if "shard" in config else {}), left


def _values_of_all(every: Sequence[Params]) -> dict[str, dict[str, list[Any]]] | None:
    """All values of each parameter; None where one command sets a parameter that another leaves alone."""
    names = [[(plugin, name) for plugin in params for name in params[plugin]] for params in every]
    if any(set(each) != set(names[0]) for each in names):
        return None
    by_plugin: dict[str, dict[str, list[Any]]] = {}
    for plugin, name in names[0]:
        values = (value for params in every for value in params[plugin][name])
        by_plugin.setdefault(plugin, {})[name] = list(dict.fromkeys(values))
    return by_plugin


def _check_alike(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        kinds = [COMMANDS[each.description.kind] for each in (first, part)]
        if kinds[0] != kinds[1]:
            raise UsageError(
                f"{first.folder.path} is a run of {kinds[0]} and {part.folder.path} of {kinds[1]}: "
                "they cannot be merged"
            )
        for name in ("task", "data"):
            one, other = (_ground(each, name) for each in (first, part))
            if one and other and one != other:
                raise UsageError(
                    f"{part.folder.path} cannot be merged with {first.folder.path}: its {name} is "
                    f"{other}, not {one}"
                )
    _check_labels(parts)


def _asked_alike(parts: Sequence[Part], params: Params) -> list[Part]:
    """`parts`, with the same parameters swept in all of them: those of which `params` has several values.

    A value that one command gave alone and another in a list makes the same row.
    """
    swept: dict[tuple[str, str], list[str]] = {}
    for record in (record for part in parts for record in part.records):
        if isinstance(record, (TrialRecord, NetworkTiming)):
            row = record.row
            names = swept.setdefault((row.contender, row.task), _lists(params, row.plugin))
            names += [name for name in record.row.swept if name not in names]
    return [_asked_as(part, swept) for part in parts]


def _lists(params: Params, plugin: str) -> list[str]:
    """The parameters of a plugin that have several values."""
    given: dict[str, Sequence[Any]] = {}
    for pattern, chosen in params.items():
        given |= chosen if fnmatchcase(plugin, pattern) else {}
    return [name for name, values in given.items() if len(values) > 1]


def _asked_as(part: Part, swept: Mapping[tuple[str, str], Sequence[str]]) -> Part:
    def asked(row: Row) -> Row:
        names = swept[row.contender, row.task]
        return row.model_copy(
            update={"swept": {name: row.params[name] for name in names if name in row.params}}
        )

    networks = (TrialRecord, NetworkTiming)
    rows = {r.row.key: asked(r.row) for r in part.records if isinstance(r, networks)}
    records: list[Record] = []
    keys: dict[str, str] = {}
    for record in part.records:
        if isinstance(record, networks):
            row, key = rows[record.row.key], record.key
            fields = {"row": row, "log": record.log.replace(record.row.key, row.key)}
            if isinstance(record, NetworkTiming) and record.baseline in rows:
                fields["baseline"] = rows[record.baseline].key
            record = record.model_copy(update=fields)
            keys[record.key] = key
        records.append(record)
    return replace(part, records=records, keys=keys)


def _ground(part: Part, name: str) -> Any:
    """The task, or the data, of a part: of its last session that knows them."""
    grounds = [s.data if name == "data" else s.config.get("task") for s in part.sessions]
    return next((value for value in reversed(grounds) if value), None)


def _check_labels(parts: Sequence[Part]) -> None:
    import numpy as np

    known: dict[str, tuple[Part, Any]] = {}
    for part, task in [(each, task) for each in parts for task in by_task(each.records)]:
        path = part.folder.labels_of(task)
        if not path.is_file():
            continue
        try:
            labels = predictions.read_labels(path)
        except ValueError as error:
            raise UsageError(f"{part.folder.path} cannot be merged: {error}") from None
        first, theirs = known.setdefault(task, (part, labels))
        if not np.array_equal(theirs, labels):
            raise UsageError(
                f"{part.folder.path} cannot be merged with {first.folder.path}: its test samples differ "
                "(another --limit, or other data)"
            )


def _check_same(one: tuple[Part, Record], other: tuple[Part, Record]) -> None:
    """UsageError where two records of one trial, or of one proof, do not say the same."""
    (first, before), (second, after) = one, other
    fact = _difference(before, after)
    if fact:
        what = f"{before.row.plugin}" if isinstance(before, TrialRecord) else before.key
        seed = f" seed {before.seed}" if isinstance(before, TrialRecord) else ""
        raise UsageError(
            f"{first.folder.path} and {second.folder.path} contradict each other: {what}{seed} {fact}. "
            "Leave out one of them"
        )


def _difference(before: Record, after: Record) -> str:
    """In which respect two records of the same thing differ; "" where they agree."""
    if before.status != after.status:
        return f"is {before.status} in one and {after.status} in the other"
    for name in dict.fromkeys([*before.metrics, *after.metrics]):
        values = before.metrics.get(name), after.metrics.get(name)
        if name not in _CLOCK and values[0] != values[1]:
            return f"has {name} {values[0]} in one and {values[1]} in the other"
    files = [getattr(record, "predictions", "") for record in (before, after)]
    return "has other predictions in each" if files[0] != files[1] else ""


def _renamed(part: Part) -> list[Session]:
    """The sessions of a part, which say where they come from."""
    path = str(part.folder.path)
    return [
        session.model_copy(
            update={"merged_from": "/".join(filter(None, (path, session.merged_from)))}
        )
        for session in part.sessions
    ]


def _files(part: Part, record: Record, out: RunFolder) -> Iterator[tuple[Path, Path]]:
    kinds = _TRIAL if isinstance(record, TrialRecord) else _TIMING
    key = part.keys.get(record.key, record.key)
    for kind, suffix in kinds:
        yield part.folder.file(kind, key, suffix), out.file(kind, record.key, suffix)
    name = Path(record.log).name  # of a layer's proof, named after its plugin
    if name:
        yield part.folder.path / "logs" / name, out.path / "logs" / name
