"""The sessions of a run: which machine, code and command each record comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.content import PROSE, Card, Column, Item, Table, prose
from harness.report.numbers import ABSENT, counted, grouped, in_unit, plain
from harness.results.caveats import MOST_OF_OTHERS, others_while_timing
from harness.results.record import Record
from harness.results.session import Session
from harness.results.summary import Cell

#: A load average above this, for each core, when a command begins, is another program's work.
BUSY = 0.5
#: Which moment the field is of.
LOAD = {"load_average": "load_average_at_the_start"}


def sessions_table(sessions: Sequence[Session], records: Sequence[Record]) -> Table | None:
    """A line for each session where there are several: its machine, code, command and records."""
    if len(sessions) < 2:
        return None
    lines = []
    for place, session in enumerate(sessions):
        counts = Counter(PROSE["kinds"][r.kind] for r in records if r.session == place)
        cells = {
            "Session": str(place + 1),
            "Started": plain(session.started),
            "Machine": machine(session),
            "Load at the start": _load(session),
            "Commit": _commit(session),
            "Command": plain(session.command),
            "Records": ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "none",
        }
        lines.append([Item(cell or ABSENT) for cell in cells.values()])
    columns = list(map(Column, cells))
    return Table("sessions", "Sessions", columns, lines, style="unfinished")


def who_measured(sessions: Sequence[Session], records: Sequence[Record]) -> str:
    """`The trials were taken in session 1 (machine, load, commit).`; empty for a single session."""
    if len({record.session for record in records}) < 2:
        return ""
    by_kind = grouped((PROSE["kinds"][record.kind], record.session) for record in records)
    parts = []
    for kind, places in by_kind.items():
        each = [f"{place + 1}{_described(sessions[place:])}" for place in sorted({*places})]
        noun = "sessions" if len(each) > 1 else "session"
        parts.append(f"The {kind} were taken in {noun} {' and '.join(each)}.")
    return " ".join(parts)


def warnings(sessions: Sequence[Session], records: Sequence[Record]) -> list[str]:
    """Other programs while timing, or when the command began, and code that no commit holds."""
    sentences = other_programs(sessions, records)
    used = {record.session for record in records} & set(range(len(sessions)))
    if any(sessions[place].environment.get("dirty") for place in used):
        sentences.append(prose("warnings", "dirty"))
    return sentences


def other_programs(sessions: Sequence[Session], records: Sequence[Record]) -> list[str]:
    """Sessions whose times others have disturbed, or may have."""
    sentences = []
    timed = {r.session for r in records if r.kind in {"network-timing", "layer-timing"}}
    for place, session in enumerate(sessions):
        if place not in timed:
            continue
        which = f" of session {place + 1}" if len(sessions) > 1 else ""
        if (others := others_while_timing(records, place)) is not None:
            cores_used, steal, of = others
            if cores_used + steal >= MOST_OF_OTHERS * of:
                numbers = {"used": f"{cores_used:.2g}", "steal": f"{steal:.2g}", "which": which}
                sentences.append(
                    prose("warnings", "others", **numbers, cores=counted(round(of), "core"))
                )
            continue
        load, cores = session.load_average, session.environment.get("cores")
        if load and isinstance(cores, int) and load > BUSY * cores:
            facts = {"load": f"{load:.1f}", "cores": counted(cores, "core"), "which": which}
            sentences.append(prose("warnings", "busy", **facts))
    return sentences


def machine(session: Session) -> str:
    """The session's processor, platform, cores and GPUs, as far as they are known."""
    known = session.environment
    cores, gpus = known.get("cores"), known.get("gpus")
    parts = [known.get("cpu"), known.get("platform")]
    parts += [counted(cores, "core")] if isinstance(cores, int) else []
    parts += gpus if isinstance(gpus, list) else []
    return ", ".join(plain(part) for part in parts if part)


def cards(sessions: Sequence[Session]) -> list[Card]:
    """All that is known of each session; of every further one, what differs from the first."""
    made: list[Card] = []
    first: dict[str, list[tuple[str, str]]] = {}
    for place, session in enumerate(sessions):
        prefix = f"Session {place + 1}: " if len(sessions) > 1 else ""
        for title, pairs in _parts(session).items():
            new = [pair for pair in pairs if pair not in first.get(title, [])]
            if new:
                made.append(Card(f"{prefix}{title.lower()}" if prefix else title, new))
        first = first or _parts(session)
    return made


def _parts(session: Session) -> dict[str, list[tuple[str, str]]]:
    """The session's mappings by title, then all its other fields."""
    trees: dict[str, Any] = {"environment": session.environment}
    trees |= {name: value for name, value in session if isinstance(value, Mapping)}
    # An option that takes several, and was given none: its default, which need not be none.
    trees["config"] = {n: value for n, value in session.config.items() if value != []}
    trees["metrics"] = {m.name: f"{m.source} {m.digest[:10]}".strip() for m in session.metrics}
    trees["run"] = {
        LOAD.get(n, n): value
        for n, value in session
        if n not in trees and n not in ("command", "rows")
    }
    titled = {name.replace("_", " ").capitalize(): list(_pairs(t)) for name, t in trees.items()}
    return {title: pairs for title, pairs in titled.items() if pairs}


def _pairs(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        title = prefix + plain(name).replace("_", " ")
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{title}, ")
        elif value is not None and value != "":
            yield _shown(title, value)


def _shown(title: str, value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return title, "yes" if value else "no"
    if title.endswith(" bytes") and isinstance(value, (int, float)):
        return title.removesuffix(" bytes"), str(in_unit(Cell(value), "bytes"))
    if isinstance(value, float):
        return title, f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return title, ", ".join(plain(part) for part in value) or "none"
    return title, plain(value)


def _commit(session: Session) -> str:
    commit = plain(session.environment.get("commit") or "")[:10]
    return f"{commit} (changed)" if commit and session.environment.get("dirty") else commit


def _load(session: Session) -> str:
    return "" if session.load_average is None else f"{session.load_average:.2g}"


def _described(sessions: Sequence[Session]) -> str:
    """The first of `sessions`, in brackets; nothing of a session that is not recorded."""
    named = [
        f"{name}{text}"
        for one in sessions[:1]
        for name, text in (
            ("", machine(one)),
            ("load at the start ", _load(one)),
            ("commit ", _commit(one)),
        )
        if text
    ]
    return f" ({', '.join(named)})" if named else ""
