from __future__ import annotations

import dataclasses

import pytest

from harness.coordinator.executors.parcel import Damaged, Parcel


def test_a_file_arrives_as_it_was_sent(tmp_path):
    sent, kept = tmp_path / "sent", tmp_path / "kept"
    sent.write_bytes(b"\0weights" * 100)
    parcel = Parcel.of(sent)
    parcel.check("state")
    parcel.keep(kept)
    assert kept.read_bytes() == sent.read_bytes()
    assert sorted(tmp_path.iterdir()) == [kept, sent]


def test_a_file_that_was_changed_on_its_way_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"weights")
    parcel = dataclasses.replace(Parcel.of(tmp_path / "file"), content=b"weightz")
    with pytest.raises(Damaged, match=r"^state came back damaged$"):
        parcel.check("state")


def test_of_a_long_log_the_end_is_kept_and_no_file_is_no_parcel(tmp_path):
    (tmp_path / "log").write_bytes(b"beginning end")
    assert Parcel.of(tmp_path / "log", 3).content == b"end"
    assert Parcel.of(tmp_path / "absent") is None


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"weights")
    (tmp_path / "place").mkdir()
    with pytest.raises(OSError, match="directory"):
        Parcel.of(tmp_path / "file").keep(tmp_path / "place")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "place"]
