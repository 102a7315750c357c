from __future__ import annotations

import re

import pytest

from harness.errors import UsageError
from harness.runs.folders import check_links, new_folder


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("digits-quick", "digits-quick"),
        ("my/task.py-source*,best", "my-task.py-source-best"),
        ("../../up-*", "..-..-up"),
        ("x" * 300, "x" * 100),
    ],
)
def test_the_default_folder_tells_when_and_what_and_lies_in_results(
    name, plain, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with new_folder(None, name) as path:
        assert path.parent.name == "results"
        assert re.fullmatch(rf"\d{{8}}-\d{{6}}-{re.escape(plain)}", path.name)


def test_runs_of_one_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Stopped:
        @staticmethod
        def now(_zone):
            return Stopped()

        def strftime(self, _form):
            return "20260101-000000"

    monkeypatch.setattr("harness.runs.folders.datetime", Stopped)
    with new_folder(None, "a") as first, new_folder(None, "a") as second:
        assert (first.name, second.name) == ("20260101-000000-a", "20260101-000000-a-2")
        (first / "run.json").touch()
    assert first.is_dir()
    assert not second.exists(), "it was left empty"


def test_what_a_command_does_not_fill_is_gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError), new_folder(None, "a"):
        raise UsageError("nothing to do")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["x" * 300, "a\0b", "caf\udce9"])
def test_a_name_that_the_system_refuses_is_one_line(tmp_path, out):
    with (
        pytest.raises(UsageError, match="give another --out") as error,
        new_folder(tmp_path / out, ""),
    ):
        pass
    assert len(str(error.value)) < 160
    str(error.value).encode()


@pytest.mark.parametrize("name", ["figures", "logs", "report.html", "figures/accuracy.png"])
def test_a_link_in_a_run_is_refused(tmp_path, name):
    run, other = tmp_path / "run", tmp_path / "other"
    (run / "figures").mkdir(parents=True)
    check_links(run)
    if name == "figures":
        (run / "figures").rmdir()
    (run / name).symlink_to(other)
    with pytest.raises(UsageError, match=f"{name} is a symbolic link to {other}"):
        check_links(run)
