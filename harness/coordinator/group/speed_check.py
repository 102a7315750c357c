"""No call takes less time than its least work does on this device."""

from __future__ import annotations

import statistics

from harness.coordinator.group.member import Member
from harness.protocol.events import Failed, Measured
from harness.results.roofline import Peaks, Work, impossible


def refuse_impossible(member: Member, peaks: Measured | Failed | None) -> None:
    """Fails a member whose calls took less time than their least work does on this device.

    By the operations alone: a network that fits a cache moves its bytes faster than memory does. By the
    fastest precision that was measured, since a plugin may choose it. The fact `speed_check` says why the
    check was not made, where it was not.
    """
    if member.failed:
        return
    peak = Peaks.fastest(peaks.metrics) if isinstance(peaks, Measured) else None
    least = member.subject.least_work(member.batches, member.facts)
    checked = [name for name in least if name in member.times]
    if peak is None:
        why = peaks.reason if isinstance(peaks, Failed) else "; ".join(_absent_peaks(peaks))
        member.facts["speed_check"] = f"not made: no peak was measured ({why or 'nobody stood'})"
        return
    if not checked:
        member.facts["speed_check"] = "not made: the fewest operations of a call are not known"
        return
    member.facts["speed_check"] = "made"
    for name in checked:
        work = least[name]
        seconds = statistics.median(s for taken in member.times[name] for s in taken)
        call = f"{name} of {member.batches[name]} samples"
        if reason := impossible(Work(flops=work.flops, bytes=0), seconds, peak, call):
            member.fail(Failed(status="invalid", reason=reason, where="checks"))
            return


def _absent_peaks(peaks: Measured | None) -> list[str]:
    return [reason for name, reason in (peaks.absent if peaks else {}).items() if "flops" in name]
