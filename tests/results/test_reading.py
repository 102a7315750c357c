from __future__ import annotations

import os

import pytest

from harness.results.reading import is_number, parse, read_file


def test_a_file_is_read_through_a_link_too(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_file(tmp_path / "file") == read_file(tmp_path / "link") == b"content"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "is no regular file|Is a directory"),
        (os.mkfifo, "is no regular file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: path.symlink_to("/dev/zero"), "is no regular file"),
    ],
)
def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path, make, reason):
    make(tmp_path / "file")
    with pytest.raises(ValueError, match=reason) as error:
        read_file(tmp_path / "file")
    assert "\n" not in str(error.value)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match="larger than 1 GiB"):
        read_file(tmp_path / "file")


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "-Infinity",
        "1e400",
        "1e101",
        "9" * 21,
        "9" * 5000,
        "1" + "0" * 20,
        "-" + "9" * 20,
        "[" * 13 + "]" * 13,
        "[" * 10**5,
        "{",
    ],
)
def test_impossible_numbers_and_deep_trees_are_refused_in_one_line(text):
    with pytest.raises(ValueError, match=r"no valid JSON|nested|too large") as error:
        parse(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_what_is_no_text_is_refused():
    with pytest.raises(ValueError, match="codec can't decode"):
        parse(b'"\xff\xfe"')


def test_possible_values_are_read():
    assert parse(b'{"a": [1, 2.5, -1e100, true, null, "\\ud800"]}') == {
        "a": [1, 2.5, -1e100, True, None, "\ud800"]
    }


def test_a_truth_value_is_no_number():
    assert is_number(0)
    assert is_number(0.5)
    assert not is_number(True)
    assert not is_number("1")
