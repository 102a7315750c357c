from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.runs.history import folder_history
from tests.fixtures.small_runs import small_session, write_run


def test_runs_are_ordered_by_time_and_what_is_no_run_is_left_out(tmp_path):
    for name, day in (("x", 2), ("y", 1)):
        session = small_session(started=f"2026-01-{day:02}T10:00:00+00:00")
        write_run(tmp_path / name, ("deep",), session=session, timing=False)
    (tmp_path / "notes").mkdir()
    broken = tmp_path / "z"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    said = []
    (track,) = folder_history(tmp_path, say=said.append).tracks
    assert [point.run for point in track.points] == ["y", "x"]
    assert len(said) == 1
    assert "cannot be read" in said[0]


@pytest.mark.parametrize(
    ("folder", "metric", "reason"),
    [
        (".", "test_acuracy", "did you mean 'test_accuracy'?"),
        ("nowhere", "test_accuracy", "there is no folder"),
        (".", "test_accuracy", "holds no run with test_accuracy"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, folder, metric, reason):
    with pytest.raises(UsageError) as error:
        folder_history(tmp_path / folder, metric)
    assert reason in str(error.value)


def test_the_other_metrics_of_the_runs_are_named(tmp_path):
    write_run(tmp_path / "x", ("deep",))
    others = folder_history(tmp_path).others
    assert "latency_ms" in others
    assert not {"test_accuracy", "van_rossum_loss"} & set(others)
    with pytest.raises(UsageError, match=r"no run with van_rossum_loss: they have test_accuracy, "):
        folder_history(tmp_path, "van_rossum_loss")
