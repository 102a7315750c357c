"""How far the results can be trusted: what gave none and why; noise floor, machine and checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.report.content import Column, Item, Pairs, Table, prose
from harness.report.environment import machine, who_measured
from harness.report.layers import density_name, neuron_name
from harness.report.numbers import counted, grouped, listed, plain
from harness.results.metrics import METRICS
from harness.results.record import (
    BASELINE,
    LayerProof,
    LayerTiming,
    NetworkTiming,
    Record,
    TrialRecord,
)
from harness.results.session import Session
from harness.results.summary import Summary
from harness.results.timings import RECORDED

Timings = Sequence[NetworkTiming | LayerTiming]

TITLES = ("Row", "What", "Status", "Reason", "Logs")


def how_far(
    records: Sequence[Record],
    sessions: Sequence[Session],
    labels: Mapping[str, str],
    beside: Sequence[str] = (),
    summaries: Sequence[Summary] = (),
) -> Pairs:
    """(subject, text) pairs; where nothing was timed, only what the rows' trials say."""
    timings = [r for r in records if isinstance(r, (NetworkTiming, LayerTiming))]
    timed = [record for record in timings if record.status == "ok"]
    others = prose("trust", "beside", names=listed(beside)) if beside else ""
    pairs = [("Refuted", _doubted(summaries)), ("Warnings", _warned(summaries, labels))]
    pairs += [("Sessions", who_measured(sessions, records)), ("Other runs", others)]
    if timings:
        pairs += [
            ("Baseline", "; ".join(baseline_remarks(timed))),
            ("Comparison", _recorded(timed)),
            ("Noise floor", _floor(timed)),
            ("Machine", _machine(sessions, timed)),
            ("Checks passed", _checks(timings, timed)),
            ("Speed not checked", _unchecked(timed, labels)),
            ("Precision", _precision(timed)),
            ("Refused", _refused(timings, labels)),
            ("Decided early", _decided_early(timed, labels)),
            ("Outliers", _outliers(timed)),
            ("Not measured", "; ".join(_absent(records, labels))),
        ]
    return [pair for pair in pairs if pair[1]]


def baseline_remarks(timed: Timings) -> list[str]:
    """Why times are compared with another row than was asked for, or with none."""
    return list(dict.fromkeys(plain(r.facts[BASELINE]) for r in timed if r.facts.get(BASELINE)))


def _recorded(timed: Timings) -> str:
    """Why times are compared as they were recorded: by the version that measured."""
    reasons = dict.fromkeys(plain(str(r.facts[RECORDED])) for r in timed if r.facts.get(RECORDED))
    return prose("trust", "recorded", reasons="; ".join(reasons)) if reasons else ""


def _floor(timed: Timings) -> str:
    floors = grouped(
        ("training" if name == "train" else name, series.noise_floor)
        for record in timed
        for name, series in record.series.items()
        if series.noise_floor is not None
    )
    ranges = ", ".join(f"{_range(values)} ({name})" for name, values in floors.items())
    return prose("trust", "floor", floors=ranges) if floors else ""


def _range(values: Sequence[float]) -> str:
    low, high = (f"{100 * end(values):.1f}" for end in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _machine(sessions: Sequence[Session], timed: Timings) -> str:
    places = sorted({record.session for record in timed} & set(range(len(sessions))))
    machines = dict.fromkeys(filter(None, (machine(sessions[place]) for place in places)))
    rounds = sorted({series.rounds for record in timed for series in record.series.values()})
    said = [f"{'; '.join(machines)}."] if machines else []
    said += [prose("trust", "rounds", rounds=" or ".join(map(str, rounds)))] if rounds else []
    return " ".join([*said, prose("trust", "doctor")])


def _checks(timings: Timings, timed: Timings) -> str:
    if not timed:
        return ""
    noun = "layer" if any(isinstance(record, LayerTiming) for record in timed) else "row"
    tried = sum(record.status != "skipped" for record in timings)
    passed = sum(not isinstance(record, LayerTiming) or record.equal for record in timed)
    return prose("trust", f"{noun}_checks", passed=f"{passed} of {counted(tried, noun)}")


def _unchecked(timed: Timings, labels: Mapping[str, str]) -> str:
    """Rows for which it is not known whether their speed is possible, and why."""
    by_reason = grouped(
        (plain(fact.removeprefix("not made: ")), subject(record, labels))
        for record in timed
        if (fact := str(record.facts.get("speed_check", ""))).startswith("not made")
    )
    return "; ".join(
        f"{listed(list(dict.fromkeys(names)))} ({reason})" for reason, names in by_reason.items()
    )


def _precision(timed: Timings) -> str:
    """The flags under which float32 was computed, of every row or layer."""
    flags = [r.facts["precision"] for r in timed if isinstance(r.facts.get("precision"), dict)]
    texts = (", ".join(f"{plain(k)} {plain(str(v))}" for k, v in each.items()) for each in flags)
    return "; ".join(dict.fromkeys(texts))


def _decided_early(timed: Timings, labels: Mapping[str, str]) -> str:
    """Rows whose answer no longer depends on their last inputs."""
    said = [
        f"{labels[r.row.key]} after step {r.facts['last_step_that_counts']} of {r.facts['steps']}"
        for r in timed
        if "last_step_that_counts" in r.facts
    ]
    return prose("trust", "decided", rows=listed(said)) if said else ""


def _doubted(summaries: Sequence[Summary]) -> str:
    """Rows whose numbers do not hold, each with the reason."""
    said = [f"{plain(row.label)} ({row.refuted})" for row in summaries if row.refuted]
    return prose("trust", "refuted", rows="; ".join(said)) if said else ""


def _warned(summaries: Sequence[Summary], labels: Mapping[str, str]) -> str:
    """The warnings of each row; rows that share one are told together."""
    by_text = grouped(
        (text, labels[row.row.key]) for row in summaries for text in row.warnings.values()
    )
    return "; ".join(f"{listed(names)}: {text}" for text, names in by_text.items())


def _refused(timings: Timings, labels: Mapping[str, str]) -> str:
    by_reason = grouped(
        (f"{record.status}: {plain(record.reason)}", subject(record, labels))
        for record in timings
        if record.status != "ok"
    )
    return "; ".join(f"{listed(names)} ({reason})" for reason, names in by_reason.items())


def _outliers(timed: Timings) -> str:
    each = [series.outliers for record in timed for series in record.series.values()]
    calls = sum(outliers.calls for outliers in each)
    if not calls:
        return ""
    return prose(
        "trust",
        "outliers",
        percent=f"{100 * sum(outliers.count for outliers in each) / calls:.1f}",
        calls=calls,
        slowest=f"{max(outliers.slowest for outliers in each):.3g}",
    )


def _absent(records: Sequence[Record], labels: Mapping[str, str]) -> Iterator[str]:
    """Each metric that some row lacks for a reason, with the rows where they are not all."""
    rows = [r for r in records if isinstance(r, (TrialRecord, NetworkTiming, LayerTiming))]
    lacking = grouped(
        ((reason, metric), labels[record.row.key])
        for record in rows
        for metric, reason in record.absent.items()
    )
    succeeded = {labels[r.row.key] for r in rows if lacking and r.status == "ok"}
    metrics = grouped(
        (
            (reason, tuple(dict.fromkeys(names))),
            METRICS[metric].title if metric in METRICS else metric,
        )
        for (reason, metric), names in lacking.items()
    )
    for (reason, every), titles in metrics.items():
        whose = "" if succeeded <= set(every) else f" of {listed(every)}"
        yield f"{', '.join(map(plain, titles))}{whose}: {plain(reason)}"


def unfinished(records: Sequence[Record], labels: Mapping[str, str]) -> Table | None:
    """A line for the records that share a row, a status and a reason; none where all succeeded."""
    groups = grouped(
        ((subject(record, labels), _fate(record), plain(record.reason)), record)
        for record in records
        if record.status != "ok"
    )
    lines = []
    for (name, status, reason), members in groups.items():
        logs = "\n".join(dict.fromkeys(plain(record.log) for record in members if record.log))
        style = "status skipped" if status == "skipped" else "status"
        line = [Item(name), Item(_what(members)), Item(status, style=style), Item(reason)]
        lines.append([*line, Item(logs, style="code")])
    if not lines:
        return None
    lines.sort(key=lambda line: line[2].value == "skipped")
    columns = list(map(Column, TITLES))
    return Table("unfinished", "Without a result", columns, lines, style="unfinished")


def _fate(record: Record) -> str:
    return f"{record.status}{' while timing' if isinstance(record, NetworkTiming) else ''}"


def names(table: Table) -> list[str]:
    """`name (status)` of each line, each once."""
    return list(dict.fromkeys(f"{line[0].value} ({line[2].value})" for line in table.lines))


def subject(record: Record, labels: Mapping[str, str]) -> str:
    """Whose record it is: the row's name, the framework's for a layer."""
    if isinstance(record, (LayerProof, LayerTiming)):
        return plain(record.row.plugin)
    if isinstance(record, (TrialRecord, NetworkTiming)):
        return labels[record.row.key]
    return "the roofline"


def _what(members: Sequence[Record]) -> str:
    """Which seeds, neurons or sizes."""
    seeds = [str(r.seed) for r in members if isinstance(r, (TrialRecord, NetworkTiming))]
    parts = [f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"] if seeds else []
    parts += [neuron_name(r.neuron) for r in members if isinstance(r, LayerProof)]
    layers = [record.row.size for record in members if isinstance(record, LayerTiming)]
    sizes = grouped((size.density, str(size.neurons)) for size in layers)
    parts += [f"{', '.join(n)} neurons with {density_name(d)}" for d, n in sizes.items()]
    return "; ".join(dict.fromkeys(parts))
