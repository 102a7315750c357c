"""How far the timings can be trusted: noise floor, comparisons, checks passed and refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness.report.numbers import ABSENT, plain
from harness.results.frame import latest
from harness.results.record import Record

WHATS = {"latency": "latency", "inference": "inference", "train": "training"}

CHECKS = (
    "the network, loaded again, is as accurate as it was when trained; the timed answers are those of "
    "the untimed evaluation; the answer changes with the last time step; a repeated input is not "
    "answered more than 10 % faster; no answer took less time than its fewest operations do at the "
    "fastest matrix product of this device"
)


class VersusLine(NamedTuple):
    """One row's times over the baseline's, in words."""

    name: str
    latency: str
    inference: str
    train: str


TITLES = ("Row", "Latency", "Inference, a sample", "Training, a sample")


def versus(records: Sequence[Record]) -> list[VersusLine]:
    """A line for each timed row but the baseline, in the order in which they were timed."""
    return [
        VersusLine(plain(record.label), *(_said(record.metrics["versus"], what) for what in WHATS))
        for record in _timed(records)
        if record.metrics.get("versus")
    ]


def versus_note(records: Sequence[Record]) -> str:
    """What the table of comparisons holds."""
    baseline = next((r.metrics["baseline"] for r in _timed(records) if "baseline" in r.metrics), "")
    return (
        f"Time over that of {plain(baseline)}, by the fastest call of each round, and the rounds' "
        "95 % interval. Faster or slower is said only where a sign test over the rounds and what "
        "two processes of one row differ by both say so (5 %, corrected for the number of rows), where "
        "the interval leaves 1 out, and where the ratio is beyond the noise floor; everything else is a "
        "tie."
    )


def how_far(run: Mapping[str, Any], records: Sequence[Record]) -> list[tuple[str, str]]:
    """(subject, words) pairs; nothing where nothing was timed."""
    timed = _timed(records)
    if not any(record.stage == "timing" for record in records):
        return []
    found = [
        ("Noise floor", _floor(timed)),
        ("Machine", _machine(run, timed)),
        ("Checks passed", f"{len(timed)} of {_count(records)} rows: {CHECKS}." if timed else ""),
        ("Refused", "; ".join(_refused(records))),
        ("Outliers", _outliers(timed)),
        ("Not measured", "; ".join(_absent(records))),
    ]
    return [(subject, words) for subject, words in found if words]


def _timed(records: Sequence[Record]) -> list[Record]:
    return [r for r in latest(records) if r.stage == "timing" and r.status == "ok"]


def _count(records: Sequence[Record]) -> int:
    return sum(record.stage == "timing" for record in latest(records))


def _said(versus: Mapping[str, Any], what: str) -> str:
    entry = versus.get(what)
    if not entry:
        return ABSENT
    ratio = f"{entry['ratio']:.3g} x"
    if "low" in entry and "high" in entry:
        ratio += f" [{entry['low']:.3g}, {entry['high']:.3g}]"
    return f"{ratio} {plain(entry['verdict'])}"


def _floor(timed: Sequence[Record]) -> str:
    record = next((r for r in timed if r.metrics.get("noise_floor")), None)
    if record is None:
        return ""
    floors = record.metrics["noise_floor"]
    told = ", ".join(
        f"{floors[what]:.1%} ({word})" for what, word in WHATS.items() if what in floors
    )
    return (
        "Every row was in the group twice, in two processes that took turns. By what the two differed "
        f"by, equal rows come to lie up to this far apart: {told}. A smaller difference between two rows "
        "means nothing here, and is called a tie."
    )


def _machine(run: Mapping[str, Any], timed: Sequence[Record]) -> str:
    facts = run.get("environment")
    known = facts if isinstance(facts, Mapping) else {}
    parts = [plain(known[name]) for name in ("cpu", "platform") if known.get(name)]
    parts += [f"{known['cores']} cores"] if known.get("cores") else []
    parts += [plain(gpu) for gpu in known.get("gpus") or []]
    rounds = sorted({int(r.metrics["rounds"]) for r in timed if "rounds" in r.metrics})
    said = f"{', '.join(parts)}. " if parts else ""
    if rounds:
        said += (
            f"Every row took its turn alone, in {' or '.join(map(str, rounds))} rounds of random, "
            "balanced order, its network built anew for each. "
        )
    return (
        said
        + "harness doctor says how fit a machine is; another one may rank these rows otherwise."
    )


def _refused(records: Sequence[Record]) -> Iterator[str]:
    for record in latest(records):
        if record.stage == "timing" and record.status != "ok":
            yield f"{plain(record.label)} ({record.status}: {plain(record.reason)})"


def _outliers(timed: Sequence[Record]) -> str:
    entries = [e for r in timed for e in r.metrics.get("outliers", {}).values()]
    calls = sum(entry["of"] for entry in entries)
    if not calls:
        return ""
    far = sum(entry["count"] for entry in entries)
    slowest = max(entry["slowest"] for entry in entries)
    return (
        f"{far / calls:.1%} of {calls} calls took far longer than the others (beyond three quartile "
        f"ranges), the slowest {slowest:.3g} times its row's median. They are in all figures."
    )


def _absent(records: Sequence[Record]) -> Iterator[str]:
    """Each metric that some row lacks for a reason, with the rows where they are not all."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for record in latest(records):
        for metric, reason in record.absent.items():
            reasons.setdefault((reason, metric), {})[plain(record.label)] = None
    labels = {plain(record.label) for record in records if record.status == "ok"}
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, metric), lacking in reasons.items():
        by_reason.setdefault((reason, tuple(lacking)), []).append(metric)
    for (reason, rows), metrics in by_reason.items():
        whose = "" if labels <= set(rows) else f" of {', '.join(rows)}"
        yield f"{', '.join(map(plain, metrics))}{whose}: {plain(reason)}"
