"""Whether the timings of two sessions can be compared, and what else differs between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.results.caveats import MOST_OF_OTHERS, others_while_timing
from harness.results.record import LayerTiming, NetworkTiming, PeaksRecord, Record
from harness.results.session import Session

#: What makes a machine: all of it is the same in two sessions of one.
_MACHINE = ("cpu", "cores", "memory_bytes", "gpus")

#: Sessions whose fastest matrix products differ by more than this found the machine in two states.
AGREE = 0.05

#: A load average above this for each core is more than a run just before leaves behind: other programs.
BUSY = 1.5


class Sessions(NamedTuple):
    """How two sessions compare: `reason` why their timings do not, "" where they do.

    `drift` is the logarithm of the ratio of what the machine did in both, NaN where that is not known.
    """

    reason: str
    drift: float


def same_machine(
    old: tuple[Session, Sequence[Record]],
    new: tuple[Session, Sequence[Record]],
    timing: NetworkTiming | LayerTiming,
) -> Sessions:
    """Of two sessions, each with its records: whether a `timing` of both can be compared.

    The probe is the fastest matrix product of the device, which every measurement group takes: a piece
    of work that no plugin changes. The fastest copy is no part of it: on shared machines it differs by
    7 % within one session.
    """
    peaks = [_peak(records, timing) for _, records in (old, new)]
    drift = math.log(peaks[1] / peaks[0]) if all(peaks) else math.nan
    then, now = ({n: s.environment.get(n) for n in _MACHINE} for s, _ in (old, new))
    for name in _MACHINE:
        if then[name] != now[name] or then[name] is None:
            return Sessions(f"two machines ({name}: {then[name]}, now {now[name]})", drift)
    for session, records in (old, new):
        others = others_while_timing(records, records[0].session) if records else None
        if others is not None:
            used, steal, of = others
            if used + steal >= MOST_OF_OTHERS * of:
                usage = f"{used:.2g} of {of:.0f} cores, steal {steal:.2g}"
                return Sessions(f"other programs were running while timing ({usage})", drift)
            continue
        load, cores = session.load_average, session.environment.get("cores")
        if load is not None and isinstance(cores, int) and load > BUSY * cores:
            return Sessions(
                f"other programs were running (load {load:.1f} on {cores} cores)", drift
            )
    if math.isnan(drift):
        return Sessions("a run without a record of the device's peaks", drift)
    if abs(drift) > math.log1p(AGREE):
        state = f"{math.exp(drift):.2f} times as many operations a second as before"
        return Sessions(f"the machine was in another state (it did {state})", drift)
    return Sessions("", drift)


def _peak(records: Iterable[Record], timing: NetworkTiming | LayerTiming) -> float:
    """The highest that was measured for the timing's device and threads; 0 where nothing was."""
    row = timing.row
    peaks = [
        record.metrics.get("peak_flops", 0.0)
        for record in records
        if isinstance(record, PeaksRecord)
        and (record.status, record.device, record.threads) == ("ok", row.device, row.threads)
    ]
    return max(map(float, peaks), default=0.0)


def versions(
    old: Sequence[Session],
    new: Sequence[Session],
    old_tasks: Sequence[str] = (),
    new_tasks: Sequence[str] = (),
) -> list[tuple[str, str, str]]:
    """What differs between two runs beside their results: (what, in the old one, in the new one).

    Of the data, those of the tasks that both have.
    """
    both = [task for task in old_tasks if task in new_tasks]
    then, now = (
        _facts(sessions, both) | ({"tasks": ", ".join(sorted(tasks))} if tasks else {})
        for sessions, tasks in ((old, old_tasks), (new, new_tasks))
    )
    names = dict.fromkeys([*then, *now])
    return [
        (name, then.get(name, "none"), now.get(name, "none"))
        for name in names
        if then.get(name) != now.get(name)
    ]


def commit(session: Session) -> str:
    """The commit of the harness, marked where its files were changed; "" where it is not known."""
    short_commit = str(session.environment.get("commit") or "")[:10]
    return f"{short_commit}+" if short_commit and session.environment.get("dirty") else short_commit


def _facts(sessions: Sequence[Session], tasks: Sequence[str]) -> dict[str, str]:
    """The facts of the last session, the data of `tasks` among them, and the plugins of all."""
    if not sessions:
        return {}
    session = sessions[-1]
    texts = {"commit": commit(session), "host": _version(session.host)}
    for one in sessions:
        texts |= {f"plugin {name}": _version(facts) for name, facts in one.plugins.items()}
    texts |= {
        name: str(session.environment.get(name, "")) for name in ("python", "platform", "cpu")
    }
    for task in tasks:
        texts |= {f"{task} data, {k}": _listed(v) for k, v in session.data_of(task).items()}
    packages: Any = session.environment.get("packages")
    if isinstance(packages, Mapping):
        texts |= {f"package {name}": str(version) for name, version in packages.items()}
    return {name: text for name, text in texts.items() if text}


def _listed(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _version(facts: Mapping[str, str]) -> str:
    return " ".join(filter(None, (facts.get("version", ""), facts.get("digest", "")[:8])))
