from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.results.record import SCHEMA, TrialRecord, to_line
from harness.results.session import Session
from harness.results.store import LOCK, RECORDS, RUN, Description, RunFolder, file_name
from harness.subjects import Row
from tests.fixtures.small_runs import write_tasks


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "networks")


def test_samples_are_read_as_they_were_written(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.write_samples("a row seed=0", {"seconds": {"latency": [[0.1, 0.2]]}})
    assert folder.read_samples("a row seed=0") == {"seconds": {"latency": [[0.1, 0.2]]}}


def test_a_new_run_says_what_it_is_and_holds_no_record(folder):
    assert folder.description() == Description(kind="networks")
    assert folder.records() == ([], [])
    assert {path.name for path in folder.path.iterdir()} == {
        RUN, RECORDS, "logs", "predictions", "samples", "state",
    }  # fmt: skip


def test_records_are_kept_in_order_and_read_by_another_process(folder, make_record):
    records = [make_record(seed=n, reason="ä\u2028b\x85c\nd") for n in range(3)]
    for record in records:
        folder.append(record)
    assert RunFolder.open(folder.path).records() == (records, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"schema": 2, "kind"', "no valid JSON"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[]", "no JSON object"),
        (b'{"schema": 1}', "schema 1, this version reads 2"),
        (b'{"schema": 2}', "'kind' is missing"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_with_its_number_and_the_others_load(
    folder, make_record, line, reason
):
    folder.append(make_record(plugin="before"))
    with (folder.path / RECORDS).open("ab") as file:
        file.write(b"\n" + line + b"\n")
    folder.append(make_record(plugin="after"))
    records, problems = folder.records()
    assert [record.row.plugin for record in records] == ["before", "after"]
    (problem,) = problems
    assert problem.startswith(f"{RECORDS} line 3: ")
    assert reason in problem
    assert "\n" not in problem


def test_a_record_after_a_cut_off_line_is_not_lost_with_it(folder, make_record):
    folder.append(make_record(plugin="first"))
    path = folder.path / RECORDS
    path.write_bytes(path.read_bytes() + to_line(make_record(plugin="cut")).encode()[:50])
    folder.append(make_record(plugin="last"))
    records, problems = folder.records()
    assert [record.row.plugin for record in records] == ["first", "last"]
    assert [problem.split(":")[0] for problem in problems] == [f"{RECORDS} line 2"]


@given(st.data())
def test_wherever_the_disk_ended_the_whole_lines_load(tmp_path_factory, data):
    folder = RunFolder(tmp_path_factory.mktemp("cut"))
    row = Row(plugin="ä", framework="f", task="t", preset="q")
    line = to_line(TrialRecord(row=row, seed=0, status="ok")).encode()
    whole = (line + b"\n") * 3
    end = data.draw(st.integers(0, len(whole)))
    (folder.path / RECORDS).write_bytes(whole[:end])
    records, problems = folder.records()
    complete, rest = divmod(end, len(line) + 1)
    assert len(records) == complete + (rest == len(line))
    assert bool(problems) == (0 < rest < len(line))


def test_records_that_are_not_there_are_a_problem_and_no_error(folder):
    (folder.path / RECORDS).unlink()
    assert folder.records() == ([], [f"{RECORDS} cannot be read: No such file or directory"])


def test_a_run_that_was_copied_without_its_empty_folders_can_be_carried_on(folder):
    for name in ("logs", "samples", "state"):
        (folder.path / name).rmdir()
    with folder.locked():
        folder.write_samples("mine", {"seconds": {}})
        assert folder.file("state", "mine", "").parent.is_dir()
    assert folder.read_samples("mine") == {"seconds": {}}


# --- folders that are no run ----------------------------------------------------------------------


def test_a_run_that_exists_is_not_overwritten_and_the_line_says_how_to_go_on(folder):
    folder.begin(Session())
    with pytest.raises(UsageError) as error:
        RunFolder.create(folder.path, "networks")
    assert f"continue it with --resume {folder.path}" in str(error.value)


def test_a_folder_of_something_else_is_not_used(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match="exists and is no run: give --out a new or empty"):
        RunFolder.create(tmp_path, "networks")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_can_be_used(tmp_path):
    RunFolder.create(tmp_path, "networks")
    assert (tmp_path / RUN).is_file()


def test_a_run_that_ended_before_it_began_is_made_anew(tmp_path, monkeypatch):
    """The disk was full, or the command was killed, before there was a session: nothing to carry on."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(UsageError, match="repeat the command"):
        patch.setattr("harness.results.store.replace", full)
        RunFolder.create(tmp_path / "run", "networks")
    assert (tmp_path / "run" / "state").is_dir()
    for _ in range(2):  # the second time with run.json
        (tmp_path / "run" / ".run.json.123").touch()
        RunFolder.create(tmp_path / "run", "networks")
    (tmp_path / "run" / "state" / "a.safetensors").touch()
    with pytest.raises(UsageError, match="already holds a run"):
        RunFolder.create(tmp_path / "run", "networks")


@pytest.mark.parametrize("path", ["file", "file/run", "file/deep/run"])
def test_a_path_through_a_file_is_refused_before_any_work(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="give --out"):
        RunFolder.check_free(tmp_path / path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write")
def test_a_folder_that_cannot_be_written_is_a_usage_error():
    with pytest.raises(UsageError, match="give --out a folder you can write to"):
        RunFolder.create(Path("/proc/harness-run"), "networks")


def test_a_folder_that_may_not_be_written_is_found_before_any_work(tmp_path, monkeypatch):
    # Tests may run as root, whom no mode bits stop.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(UsageError, match=f"cannot write to {tmp_path}: give --out"):
        RunFolder.check_free(tmp_path / "deep" / "run")


@pytest.mark.parametrize(
    ("number", "mend"),
    [(errno.ENOSPC, "free some room, then --resume it"), (errno.EROFS, "give --out a folder")],
)
def test_a_disk_that_takes_no_more_is_told_with_what_to_do(
    folder, make_record, monkeypatch, number, mend
):
    def full(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError) as error:
        folder.append(make_record())
    assert os.strerror(number) in str(error.value)
    assert mend in str(error.value)


def test_opening_what_is_no_run_says_so(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"is no run: it has no run.json"):
        RunFolder.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is no run"):
        RunFolder.open(tmp_path / "file")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b'{"schema": 99}',
            "has results schema 99, this version reads 2: open it with the version of",
        ),
        (
            b'{"schema": 1}',
            "has results schema 1, this version reads 2: open it with snn-harness 0.1",
        ),
        (b'{"schema": 2, "kind": "other"}', "cannot be read: kind: "),
        (b"{}", "results schema None"),
        (b'{"schema": 2', "cannot be read"),
        (b"[]", "cannot be read: no JSON object"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_description_of_another_version_or_none_is_refused(folder, content, reason):
    (folder.path / RUN).write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        RunFolder.open(folder.path, "networks")


def test_a_run_of_another_kind_is_not_opened(folder):
    with pytest.raises(
        UsageError, match=r"is a run of harness run \(networks\), not of harness layers"
    ):
        RunFolder.open(folder.path, "layers")
    assert RunFolder.open(folder.path, "networks").description().kind == "networks"


def test_each_command_is_a_session_and_the_description_is_replaced_whole(folder):
    assert folder.begin(Session(command="ä")) == 0
    assert folder.begin(Session(command="again")) == 1
    sessions = RunFolder.open(folder.path).description().sessions
    assert [session.command for session in sessions] == ["ä", "again"]
    assert json.loads((folder.path / RUN).read_text("utf-8"))["schema"] == SCHEMA
    assert not list(folder.path.glob("*.partial"))


@pytest.mark.parametrize("fact", [float("nan"), 1e101, 2**80, json.loads("[" * 12 + "]" * 12)])
def test_a_session_that_could_not_be_read_again_is_refused_and_the_run_stays_readable(folder, fact):
    folder.begin(Session(command="first"))
    session = Session(command="second").model_copy(update={"data": {"a task's": fact}})
    with pytest.raises(UsageError, match=r"run.json cannot keep this command: .*(JSON|large|deep)"):
        folder.begin(session)
    assert [each.command for each in folder.description().sessions] == ["first"]


def test_the_wall_time_of_a_part_is_that_of_its_session_and_outlives_an_error(folder):
    folder.begin(Session(command="first"))
    with folder.clocked("trials"):
        time.sleep(0.11)
    folder.begin(Session(command="second"))
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), folder.clocked("trials"):
            time.sleep(0.11)
            raise KeyboardInterrupt
    first, second = folder.description().sessions
    assert first.wall_seconds["trials"] < 0.2 <= second.wall_seconds["trials"]


def test_another_process_that_holds_the_lock_keeps_us_out(folder):
    code = (
        "import sys; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(folder.path / LOCK)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another command is writing to"), folder.locked():
            pytest.fail("entered a folder that another process has locked")
        other.stdin.close()
    with folder.locked():
        pass


# --- names of files -------------------------------------------------------------------------------

HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "a\x00b",
    "\n",
    "x" * 999,
]


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_no_key_leads_out_of_its_folder(key):
    run = RunFolder(Path("/run"))
    path = run.file("logs", key, ".log")
    assert Path(os.path.normpath(path)).parent == Path("/run/logs")
    assert "\x00" not in str(path)
    assert len(path.name.encode()) < 200


@given(st.text(), st.text())
def test_two_keys_never_share_a_file(one, other):
    assert (file_name(one) == file_name(other)) == (one == other)


def test_hostile_keys_can_be_written(folder):
    for number, key in enumerate(HOSTILE):
        folder.write_samples(key, {"seconds": number})
    written = sorted(
        json.loads(p.read_text())["seconds"] for p in (folder.path / "samples").iterdir()
    )
    assert written == list(range(len(HOSTILE)))


def test_of_two_tasks_only_that_whose_data_have_changed_is_made_again(tmp_path):
    folder = write_tasks(tmp_path / "run", timing=False)
    (session,) = folder.description().sessions
    changed = {**session.data, "two": {"digest": "another"}}
    number = folder.begin(session.model_copy(update={"data": changed}))
    assert {record.row.task for record in folder.kept(number)} == {"one"}
    assert len(folder.kept(folder.begin(session))) == 12


def test_records_of_one_row_share_it(folder, make_record):
    """Ten thousand trials of a thousand rows took 40 MB more."""
    for seed in range(3):
        folder.append(make_record(seed=seed))
    folder.append(make_record(swept={"hidden": 5}))
    records, problems = folder.records()
    assert not problems
    assert records[0].row is records[2].row
    assert records[3].row.swept == {"hidden": 5}
