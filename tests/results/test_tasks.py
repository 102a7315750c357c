from __future__ import annotations

from harness.results.record import PeaksRecord
from harness.results.tasks import by_task


def test_each_task_has_its_records_in_order_and_the_peaks_of_the_device(make_record):
    peaks = PeaksRecord(status="ok", device="cpu", threads=1)
    records = [
        make_record(task="b"), make_record(task="a"), peaks, make_record("network-timing", task="b"),
    ]  # fmt: skip
    found = by_task(records)
    assert list(found) == ["b", "a"]
    assert found["b"] == [records[0], peaks, records[3]]
    assert found["a"] == [records[1], peaks]
    assert by_task([peaks]) == {"": [peaks]}
    assert by_task([]) == {"": []}
