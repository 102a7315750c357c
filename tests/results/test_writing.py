from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.results.writing import opened, refuse_link, replace, writing


def test_a_file_is_replaced_and_leaves_nothing_beside(tmp_path):
    for content in (b"first", b"second"):
        replace(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path):
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "file").symlink_to("theirs")
    replace(tmp_path / "file", b"mine")
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_nothing_is_written_into_a_folder_that_is_a_link(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "folder").symlink_to("theirs")
    with pytest.raises(OSError, match="folder is a symbolic link"):
        replace(tmp_path / "folder" / "file", b"mine")
    with pytest.raises(OSError, match="folder is a symbolic link"):
        refuse_link(tmp_path / "folder")
    refuse_link(tmp_path / "theirs")
    assert not list((tmp_path / "theirs").iterdir())


def test_lines_are_appended_but_not_to_what_a_link_points_to(tmp_path):
    for content in (b"one\n", b"two\n"):
        with opened(tmp_path / "file") as file:
            file.write(content)
    assert (tmp_path / "file").read_bytes() == b"one\ntwo\n"
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="Too many levels"):
        opened(tmp_path / "link")


def test_what_cannot_be_written_is_one_line_with_the_fix(tmp_path):
    with (
        pytest.raises(UsageError, match=r"cannot write to .*: give --out a folder"),
        writing(tmp_path),
    ):
        replace(tmp_path / "no" / "file", b"")
