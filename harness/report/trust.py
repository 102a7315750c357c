"""How far the timings can be trusted: noise floor, machine, checks passed and refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.report.content import Pairs
from harness.report.environment import machine, who_measured
from harness.report.numbers import counted, listed, plain
from harness.results.metrics import METRICS
from harness.results.record import LayerTiming, NetworkTiming, Record, TrialRecord
from harness.results.session import Session

NAMES = {"inference": "inference", "train": "training"}

CHECKS = (
    "the reloaded network is as accurate as it was after training; the timed predictions are those of "
    "the untimed evaluation; the prediction depends on the last time step; a repeated input is not more "
    "than 10 % faster; no call is faster than its fewest operations at the rate of this device's "
    "fastest matrix product"
)
LAYER_CHECKS = (
    "the spikes and gradients of the timed calls are those of the neuron's equations; no pass is faster "
    "than its fewest operations at the rate of this device's fastest matrix product"
)


def how_far(
    records: Sequence[Record],
    sessions: Sequence[Session],
    labels: Mapping[str, str],
    beside: Sequence[str] = (),
) -> Pairs:
    """(subject, text) pairs; only the sessions and what is absent where nothing was timed."""
    timings = [r for r in records if isinstance(r, (NetworkTiming, LayerTiming))]
    timed = [record for record in timings if record.status == "ok"]
    pairs = [("Sessions", who_measured(sessions, records)), ("Other runs", _beside(beside))]
    if timings:
        pairs += [
            ("Noise floor", _floor(timed)),
            ("Machine", _machine(sessions, timed)),
            ("Checks passed", _checks(timings, timed)),
            ("Refused", _refused(timings, labels)),
            ("Outliers", _outliers(timed)),
            ("Not measured", "; ".join(_absent(records, labels))),
        ]
    return [(subject, text) for subject, text in pairs if text]


def _beside(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f"The rows of {listed(names)} were taken over without their timings: times of different "
        "sessions are not compared."
    )


def _floor(timed: Sequence[NetworkTiming | LayerTiming]) -> str:
    floors: dict[str, list[float]] = {}
    for record in timed:
        for name, series in record.series.items():
            if series.noise_floor is not None:
                floors.setdefault(NAMES.get(name, name), []).append(series.noise_floor)
    if not floors:
        return ""
    told = ", ".join(f"{_range(values)} ({name})" for name, values in floors.items())
    return (
        "Every row was measured in two processes that took turns. Their differences estimate how much "
        f"two identical rows differ by chance: up to {told}. A smaller difference between two rows is "
        "reported as a tie."
    )


def _range(values: Sequence[float]) -> str:
    low, high = (f"{100 * end(values):.1f}" for end in (min, max))
    return f"{low} %" if low == high else f"{low} to {high} %"


def _machine(sessions: Sequence[Session], timed: Sequence[NetworkTiming | LayerTiming]) -> str:
    places = sorted({record.session for record in timed} & set(range(len(sessions))))
    machines = list(dict.fromkeys(filter(None, (machine(sessions[place]) for place in places))))
    rounds = sorted({series.rounds for record in timed for series in record.series.values()})
    said = f"{'; '.join(machines)}. " if machines else ""
    if rounds:
        said += (
            f"Every row was timed alone, in {' or '.join(map(str, rounds))} rounds of random, balanced "
            "order, and its model was reallocated in every round. "
        )
    return (
        said + "harness doctor says whether a machine is fit; rows may rank otherwise on another."
    )


def _checks(
    timings: Sequence[NetworkTiming | LayerTiming], timed: Sequence[NetworkTiming | LayerTiming]
) -> str:
    if not timed:
        return ""
    layers = any(isinstance(record, LayerTiming) for record in timed)
    checks, noun = (LAYER_CHECKS, "layer") if layers else (CHECKS, "row")
    tried = [record for record in timings if record.status != "skipped"]
    return f"{len(timed)} of {counted(len(tried), noun)}: {checks}."


def _refused(timings: Sequence[NetworkTiming | LayerTiming], labels: Mapping[str, str]) -> str:
    by_reason: dict[tuple[str, str], list[str]] = {}
    for record in timings:
        if record.status != "ok":
            label = labels[record.row.key]
            if isinstance(record, LayerTiming):
                label = plain(record.row.plugin)
            by_reason.setdefault((record.status, plain(record.reason)), []).append(label)
    return "; ".join(
        f"{listed(names)} ({status}: {reason})" for (status, reason), names in by_reason.items()
    )


def _outliers(timed: Sequence[NetworkTiming | LayerTiming]) -> str:
    each = [series.outliers for record in timed for series in record.series.values()]
    calls = sum(outliers.calls for outliers in each)
    if not calls:
        return ""
    far = sum(outliers.count for outliers in each)
    slowest = max(outliers.slowest for outliers in each)
    return (
        f"{100 * far / calls:.1f} % of {calls} calls took far longer than the others (more than three "
        f"interquartile ranges), the slowest {slowest:.3g} times its row's median. All figures include "
        "them."
    )


def _absent(records: Sequence[Record], labels: Mapping[str, str]) -> Iterator[str]:
    """Each metric that some row lacks for a reason, with the rows where they are not all."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    rows = [r for r in records if isinstance(r, (TrialRecord, NetworkTiming, LayerTiming))]
    lacking_some = [record for record in rows if record.absent]
    if not lacking_some:
        return
    succeeded = {labels[record.row.key] for record in rows if record.status == "ok"}
    for record in lacking_some:
        for metric, reason in record.absent.items():
            reasons.setdefault((reason, metric), {})[labels[record.row.key]] = None
    by_reason: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, metric), lacking in reasons.items():
        title = METRICS[metric].title if metric in METRICS else metric
        by_reason.setdefault((reason, tuple(lacking)), []).append(title)
    for (reason, names), metrics in by_reason.items():
        whose = "" if succeeded <= set(names) else f" of {listed(names)}"
        yield f"{', '.join(map(plain, metrics))}{whose}: {plain(reason)}"
