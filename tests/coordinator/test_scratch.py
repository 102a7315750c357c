from __future__ import annotations

from harness.coordinator.scratch import scratch_folder


def test_a_scratch_folder_lasts_as_long_as_its_context():
    with scratch_folder() as path:
        (path / "file").touch()
    assert not path.exists()
