"""What a measurement group yields: the fields of each subject's record, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from harness.coordinator.group.member import Member
from harness.coordinator.processes.failures import failed
from harness.protocol.events import Failed, Measured
from harness.results.record import BASELINE, Series, finite
from harness.results.timings import compare, sweep_metrics, timed_metrics


@dataclass(frozen=True)
class Result:
    """The members of a group, the device's peaks where they could be measured, and the baseline's key.

    `remark` says why the baseline is another row than was asked for, or none. `others` is what other
    programs used of the machine meanwhile, as `Others.used` has it.
    """

    members: Sequence[Member]
    peaks: Measured | Failed | None
    baseline: str
    remark: str = ""
    others: Mapping[str, float] = field(default_factory=dict)

    def fields(self) -> dict[str, dict[str, Any]]:
        """For the key of each subject, the fields of its record."""
        done = {m.subject.key: m for m in self.members if not m.failed}
        series = compare(
            {key: member.times for key, member in done.items()},
            {key: member.batches for key, member in done.items()},
            self.baseline,
            {key for key, member in done.items() if member.comparable},
        )
        for key, member in done.items():
            if member.subject.against in done:
                series[key] = self._pair(member, done[member.subject.against])
        remark = {BASELINE: self.remark} if self.remark else {}
        fields: dict[str, dict[str, Any]] = {}
        for member in self.members:
            key = member.subject.key
            if member.failed:
                fields[key] = failed(member.failed)
            else:
                metrics = timed_metrics(member.times, member.batches) | member.metrics
                metrics |= sweep_metrics(member.sweeps)
                if member.first:
                    metrics["first_call_ms"] = member.first.first_call_ms
                    metrics["first_build_ms"] = member.first.first_build_ms
                fields[key] = {
                    "status": "ok",
                    "metrics": finite(metrics),
                    "absent": member.absent,
                    "facts": {**member.facts, "accounted": member.wall.shares(), **remark},
                    "series": series[key],
                    "baseline": member.subject.against or self.baseline,
                }
                if member.subject.device == "cpu" and member.cores:
                    # Of the kind of calls that used most: one of them may have more threads alone.
                    most = max(map(median, member.cores.values()))
                    fields[key]["facts"]["cores"] = most
                if member.sweeps:
                    fields[key]["sweep"] = member.sweeps
            fields[key]["log"] = member.log
        return fields

    def _pair(self, member: Member, against: Member) -> dict[str, Series]:
        """A variant beside the row that it is one of, by the noise of the two."""
        pair = {one.subject.key: one for one in (against, member)}
        return compare(
            {key: one.times for key, one in pair.items()},
            {key: one.batches for key, one in pair.items()},
            against.subject.key,
        )[member.subject.key]


def choose_baseline(members: Sequence[Member], named: Sequence[str]) -> tuple[str, str]:
    """The key of the row that the others are compared with, and why it is not the one that it would be.

    That is the one asked for, else the first that gave times and holds; "" where the one asked for did
    not, or none did.
    """
    comparable = [member for member in members if member.subject.comparable]
    asked = [member for member in comparable if member.subject.key in named]
    wanted = asked or comparable
    baseline = next((member for member in wanted if member.comparable and not member.failed), None)
    key = baseline.subject.key if baseline else ""
    if not wanted or wanted[0] is baseline:
        return key, ""
    first, failure = wanted[0].subject.label, wanted[0].failed
    refuted = failure.status == "invalid" if failure else not wanted[0].comparable
    why = "is refuted" if refuted else "gave no times"
    what = "the row asked for as baseline" if asked else "the first row"
    instead = baseline.subject.label if baseline else "no row"
    return key, f"{first}, {what}, {why}: times are compared with {instead}"
