"""The command line, mostly in this process; workers find a stand-in of torch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from harness.cli import cli
from harness.results.record import SCHEMA
from harness.results.session import Session
from harness.results.store import RECORDS, RUN, RunFolder

COMMANDS = sorted(cli.commands)


def the_line(err):
    """The one line that says what is wrong; only one that says what is checked may precede it."""
    *before, line = err.splitlines()
    assert all(other.startswith("checking what ") for other in before), err
    assert len(before) <= 1, err
    assert line.startswith("harness: ")
    return line


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_answers(harness, words, option):
    code, out, err = harness(*words, option)
    assert (code, err) == (0, "")
    assert out.startswith("Usage: harness")
    assert "\\b" not in out


def test_help_tells_the_exit_codes_and_every_command(harness):
    _, out, _ = harness("--help")
    assert "2 the command line or a folder is wrong, 3 nothing was measured,\n" in out
    assert "130 interrupted" in out
    assert all(f"\n  {command} " in out for command in COMMANDS)


@pytest.mark.parametrize("words", [[], *([command] for command in COMMANDS)])
def test_help_fits_80_columns_and_cuts_nothing(harness, words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = harness(*words, "--help")
    assert max(map(len, out.splitlines())) <= 80
    assert not re.search(r"[a-z]\.\.\.", out)


@pytest.mark.parametrize("command", ["run", "layers"])
def test_help_has_examples(harness, command):
    _, out, _ = harness(command, "--help")
    assert f"  harness {command} --plugins all\n" in out


def test_help_and_version_answer_at_once():
    """Nothing heavy is imported before a command needs it."""
    code = (
        "import json, sys\n"
        "from harness.cli import main\n"
        f"for words in [['--help'], ['--version'], *([c, '--help'] for c in {COMMANDS})]:\n"
        "    sys.argv = ['harness', *words]\n"
        "    try: main()\n"
        "    except SystemExit as left: assert not left.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'matplotlib', 'sklearn', 'scipy', 'pydantic'}\n"
        "print(json.dumps(sorted(heavy & sys.modules.keys())), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stderr) == []


def test_no_command_shows_the_help(harness):
    code, out, err = harness()
    assert code == 2
    assert "Commands:" in out + err


# --- everything that can be wrong: one line, exit code 2 ------------------------------------------


@pytest.fixture
def installed(distribution, fixtures, fake_torch):
    """A plugin that can be asked for its presets; workers see it on their path too."""
    distribution("declared-plug", {"declared": "m"}, modules={"m": ""})


RUN_ERRORS = [
    (["--plugins", "declard"], "unknown plugin 'declard': did you mean 'declared'?"),
    (["--plugins", "zzz*"], "unknown plugin 'zzz*'"),
    (["--plugins", "no/such/file.py"], "plugin file no/such/file.py: No such file"),
    (["--plugins", ""], "no plugin is named"),
    (["--plugins", ","], "no plugin is named"),
    (["--task", "mnits"], "unknown task 'mnits': did you mean 'mnist'?"),
    (["--task", "digits,mnits"], "unknown task 'mnits': did you mean 'mnist'?"),
    (["--task", "digits", "--task", "digits"], "--task: wanted each task once, and digits is"),
    (["--task", "digits,,mnist"], "--task: wanted NAME or FILE.py, several separated by commas"),
    (["--device", "tpu"], "unknown device 'tpu': known: auto, cpu, cuda"),
    (["--seeds", "a"], "'a': wanted integers, as in --seeds 0,1,2"),
    (["--seeds", "1.5"], "wanted integers"),
    (["--checkpoint", "often"], "--checkpoint: wanted a number, not 'often'"),
    (["--checkpoint", "-1"], "--checkpoint: wanted 0 or more, not '-1'"),
    (["--seeds", "0", "--seeds", "b"], "'0,b': wanted integers"),
    (["--data", "/no/such/folder"], "Directory '/no/such/folder' does not exist"),
    (["--seeds", ""], "wanted integers"),
    (["--seeds", "0,,1"], "wanted integers"),
    (["--seeds", "-1"], "seeds are integers from 0"),
    (["--threads", "0"], "threads: "),
    (["--threads", "many"], "'many' is not a valid integer"),
    (["--timeout", "-1"], "timeout: "),
    (["--timeout", "nan"], "timeout: "),
    (["--timeout", "inf"], "timeout: "),
    (["--rounds", "0"], "rounds: "),
    (["--jobs", "0"], "--jobs: "),
    (["--memory", "0"], "--memory: "),
    (["--limit", "0"], "--limit: "),
    (["--config", "no/such.toml"], "--config no/such.toml: cannot be read: No such file"),
    (["--shard", "4/3"], "--shard: wanted K/N with K from 1 to N, as in 3/10"),
    (["--set", "declared.hidden"], "wanted NAME.param=value"),
    (["--set", "declard.hidden=1"], "unknown plugin 'declard': did you mean 'declared'?"),
    (["--sed", "1"], "No such option"),
    (["surplus"], "unexpected extra argument"),
]


@pytest.mark.parametrize(("words", "reason"), RUN_ERRORS)
def test_a_wrong_run_is_one_line_and_exit_code_2(harness, installed, tmp_path, words, reason):
    plugins = [] if "--plugins" in words else ["--plugins", "declared"]
    code, out, err = harness("run", *plugins, "--out", tmp_path / "out", *words)
    assert (code, out) == (2, "")
    assert reason in the_line(err)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("fake_torch")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--set", "mine.hiden=1"], "mine: unknown parameter 'hiden': did you mean 'hidden'?"),
        (["--set", "mine.hidden=0"], "mine: parameter hidden: 0 is below its bound 1"),
        (["--preset", "qick"], "'qick' for task 'digits': did you mean 'quick'?"),
    ],
)
def test_what_only_the_plugin_knows_is_wrong_is_found_before_any_trial(
    harness, plugin_file, tmp_path, words, reason
):
    path = plugin_file("mine", base="declared")
    code, _, err = harness("run", "--plugins", path, "--out", tmp_path / "out", *words)
    assert code == 2
    assert reason in err.splitlines()[-1]
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_an_out_folder_that_cannot_be_used_is_found_before_any_work(
    harness, plugin_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "harness.coordinator.processes.pool.Workers.start", None
    )  # no worker is to start
    monkeypatch.setattr("harness.coordinator.processes.pool.Workers.starter", None)
    path = plugin_file("mine", base="declared")
    run = RunFolder.create(tmp_path / "run", "networks")
    run.begin(Session())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    for out, reason in [
        (run.path, f"already holds a run: continue it with --resume {run.path}"),
        (tmp_path / "full", "exists and is no run"),
        (path, "exists and is no run"),
        (path / "below", "cannot write to"),
    ]:
        code, _, err = harness("run", "--plugins", path, "--out", out)
        assert code == 2
        assert reason in the_line(err)


@pytest.mark.parametrize("command", [["report"], ["run", "--resume"], ["layers", "--resume"]])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no folder"),
        ("", "is no run: it has no run.json"),
        ('{"schema": 99}', f"results schema 99, this version reads {SCHEMA}"),
        (
            '{"schema": 1}',
            f"results schema 1, this version reads {SCHEMA}: open it with snn-harness 0.1",
        ),
        ('{"kind": "networks"}', f"results schema None, this version reads {SCHEMA}"),
        ('{"schema"', "cannot be read"),
        ("[]", "cannot be read"),
    ],
)
def test_a_folder_that_is_no_run_of_ours_is_one_line(harness, tmp_path, command, content, reason):
    folder = tmp_path / "run"
    if content is not None:
        folder.mkdir()
    if content:
        (folder / RUN).write_text(content)
    code, _, err = harness(*command, folder)
    assert code == 2
    assert reason in the_line(err)


@pytest.mark.parametrize(
    "words", [["run", "--seeds", "1"], ["run", "--out", "x"], ["layers", "--rounds", "1"]]
)
def test_resume_takes_no_other_option(harness, tmp_path, words):
    command, *others = words
    code, _, err = harness(command, "--resume", tmp_path, *others)
    assert code == 2
    assert the_line(err) == (
        f"harness: --resume takes its options from {tmp_path / 'run.json'}, give no other "
        "(but --timeout, --memory, --jobs, --checkpoint, --fail-fast, --executor, --scheduler)"
    )


@pytest.mark.parametrize("command", ["run", "layers"])
def test_retrying_goes_with_resume(harness, command):
    code, _, err = harness(command, "--retry", "failed")
    assert (code, the_line(err)) == (2, "harness: --retry goes with --resume DIR")


def test_a_word_that_is_not_utf_8_is_one_line(harness):
    code, _, err = harness("report", os.fsdecode(b"caf\xe9"))
    assert code == 2
    assert the_line(err) == "harness: 'caf\\\\udce9' is not UTF-8: rename the file or the folder"


def test_a_terminal_that_lacks_characters_gets_others_in_their_place():
    code = (
        "import click, sys\n"
        "from harness.cli import cli, main\n"
        "@cli.command()\n"
        "def say(): click.echo('\\u2501 \\u03bb'); click.echo('\\u2501', err=True)\n"
        "sys.argv = ['harness', 'say']\n"
        "main()"
    )
    words = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(words, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"? ?\n", b"?\n")


def test_an_out_of_300_letters_is_one_line(harness, tmp_path, plugin_file):
    path = plugin_file("mine", base="declared")
    code, _, err = harness("run", "--plugins", path, "--out", tmp_path / ("x" * 300))
    assert code == 2
    assert "File name too long" in the_line(err)


@pytest.mark.parametrize("command", ["run", "layers"])
def test_rerunning_what_has_changed_goes_with_resume(harness, command):
    code, _, err = harness(command, "--rerun-changed")
    assert code == 2
    assert the_line(err) == "harness: --rerun-changed goes with --resume DIR"


@pytest.mark.parametrize(
    ("words", "kind", "reason"),
    [
        (["run", "--resume"], "layers", "is a run of harness layers (layers), not of harness run"),
        (["layers", "--resume"], "networks", "is a run of harness run (networks), not of harness"),
        (["report", "--with"], "layers", "is a run of harness layers (layers), not of harness run"),
    ],
)
def test_a_folder_of_the_other_kind_is_one_line(harness, tmp_path, words, kind, reason):
    folder = RunFolder.create(tmp_path / "folder", kind).path
    before = (folder / RUN).read_bytes()
    if "--with" in words:
        words = ["report", RunFolder.create(tmp_path / "mine", "networks").path, "--with"]
    code, _, err = harness(*words, folder)
    assert code == 2
    assert f"{folder} {reason}" in the_line(err)
    assert (folder / RUN).read_bytes() == before


def test_a_run_of_layers_has_no_trials_to_add_to(harness, tmp_path):
    layers = RunFolder.create(tmp_path / "layers", "layers").path
    networks = RunFolder.create(tmp_path / "networks", "networks").path
    code, _, err = harness("report", layers, "--with", networks)
    assert code == 2
    assert "--with adds trials" in the_line(err)


# --- plugins and tasks ----------------------------------------------------------------------------


def test_plugins_tells_what_is_ready_and_how_to_mend_the_rest(harness, distribution):
    modules = {"m": "raise SystemExit('imported')"}
    distribution("ready-plug", {"is-ready": "m"}, framework="pytest = pytest", modules=modules)
    distribution("own-plug", {"is-own": "m"}, framework="own = pytest")
    distribution("missing-plug", {"is-missing": "m"}, requires=["no-such-thing"])
    distribution("broken-plug", {"is-broken": "nowhere"})
    code, out, err = harness("plugins")
    assert (code, err) == (0, "")
    lines = out.splitlines()

    def row(name):
        return next(number for number, line in enumerate(lines) if line.startswith(name))

    assert lines[row("is-ready")].split() == ["is-ready", "pytest", pytest.__version__, "ready"]
    assert f"  own (pytest {pytest.__version__})  " in lines[row("is-own")]
    assert lines[row("is-missing") + 1].strip() == "no-such-thing is not installed"
    assert "pip install missing-plug" in lines[row("is-missing") + 2]
    assert lines[row("is-broken") + 1].strip() == "there is no module nowhere"


def test_with_no_plugin_the_list_says_how_to_get_one(harness, monkeypatch):
    monkeypatch.setattr("harness.catalogue.plugins.distributions", list)
    assert harness("plugins") == (0, "No plugins found: " + _how_to_install() + "\n", "")


def _how_to_install():
    from harness.catalogue.plugins import HOW_TO_INSTALL

    return HOW_TO_INSTALL


@pytest.mark.usefixtures("fake_torch")
def test_one_plugins_parameters_and_presets_are_shown(harness, plugin_file):
    path = plugin_file("mine", base="declared")
    code, out, _ = harness("plugins", path)
    assert code == 0
    assert "hidden = 64 (1..1024)\n      units" in out
    assert "reset = zero (zero|subtract)" in out
    assert "epochs = 1 (1..)" in out
    assert "quick, every task: the defaults" in out
    assert "source, mnist: hidden=100" in out


@pytest.mark.usefixtures("fake_torch")
def test_a_parameter_says_beside_what_it_has_an_effect(harness, plugin_file):
    code = """
was = [harness_presets]

@hookimpl
def harness_presets():
    where = {"reset": ("subtract",), "model": ("",)}
    own = {"share": Parameter(1, "how much", where=where)}
    return Presets({**was[0]().parameters, **own})
"""
    _, out, _ = harness("plugins", plugin_file("mine", code, "declared"))
    assert "how much; only with reset=subtract and without model\n" in out


@pytest.mark.usefixtures("fake_torch")
def test_one_plugins_presets_as_json(harness, plugin_file):
    code, out, _ = harness("plugins", "--json", plugin_file("mine", base="declared"))
    shown = json.loads(out)
    assert code == 0
    assert shown["parameters"]["rate"]["high"] == 1
    assert shown["presets"]["source"] == {"mnist": {"hidden": 100}}


@pytest.mark.usefixtures("fake_torch")
def test_a_plugin_that_cannot_be_shown_is_one_line(harness, plugin_file):
    for path in (plugin_file("typo", "def f(:\n"), plugin_file("bad", "raise ValueError")):
        code, _, err = harness("plugins", path)
        assert (code, err.count("\n")) == (2, 1)
        assert path.stem in err


def test_tasks_are_listed_with_their_sizes(harness):
    code, out, _ = harness("tasks")
    assert code == 0
    assert "train / validation / test: 1257 / 180 / 360" in out
    _, out, _ = harness("tasks", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert rows["digits"]["input_shape"] == [1, 8, 8]
    assert rows["digits"]["origin"] == "embedded in scikit-learn"
    assert rows["mnist"]["sizes"] == {"train": 55_000, "validation": 5_000, "test": 10_000}


# --- exit codes -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake_torch")
def test_a_run_that_measured_nothing_says_so_in_its_exit_code(harness, plugin_file, tmp_path):
    """One plugin lacks a package, so it is skipped: nothing failed, and nothing was measured."""
    block = '# /// script\n# dependencies = ["no-such-thing"]\n# ///\n'
    missing = plugin_file("absent", block)
    out = tmp_path / "run"
    code, _, err = harness("run", "--plugins", missing, "--seeds", "0", "--out", out)
    assert code == 3
    assert "absent seed=0: skipped: no-such-thing is not installed; pip install" in err
    (line,) = (out / RECORDS).read_text().splitlines()
    assert json.loads(line)["status"] == "skipped"
    described = json.loads((out / RUN).read_text())
    assert (described["schema"], described["kind"]) == (SCHEMA, "networks")
    (session,) = described["sessions"]
    assert session["command"].startswith("harness run --plugins ")
    assert session["config"]["seeds"] == [0]
    assert session["data"]["splits"] == {"train": 1257, "validation": 180, "test": 360}
    assert session["plugins"]["absent"]["digest"]


@pytest.mark.usefixtures("fake_torch")
def test_a_failed_trial_is_exit_code_1_and_its_report_is_rebuilt_from_the_records(
    harness, plugin_file, tmp_path
):
    out = tmp_path / "run"
    typo = plugin_file("typo", "def f(:\n")
    assert harness("run", "--plugins", typo, "--seeds", "0", "--out", out)[0] == 1
    page = out / "report.html"
    page.unlink()
    with (out / RECORDS).open("a") as file:
        file.write("half a line")
    code, said, err = harness("report", out)
    assert code == 0
    assert f"1 record; open {page}" in said
    assert "harness: left out records.jsonl line 2: no valid JSON" in err
    assert "invalid syntax" in page.read_text()


@pytest.mark.native
def test_what_ended_from_an_outside_cause_is_told_last_with_the_way_to_repeat_it(
    harness, plugin_file, tmp_path
):
    pytest.importorskip("torch")  # without it the plugin is not reached
    out = tmp_path / "a run"
    dying = plugin_file("dying", "import os\nos._exit(7)\n")
    words = ["--seeds", "0,1", "--no-timing", "--device", "cpu", "--out", out]
    code, _, err = harness("run", "--plugins", dying, *words)
    assert code == 1
    told, repeat = err.splitlines()[-1].split("; ")
    assert told == (
        "harness: 2 of 2 trials and measurements did not succeed, one of them: crashed: import: the "
        "process ended with exit code 7"
    )
    command = f"harness run --resume '{out}' --retry failed"
    assert repeat == f"an outside cause may be gone: {command}"


@pytest.mark.usefixtures("fake_torch", "no_data")
def test_a_run_that_ended_at_its_first_failure_says_what_is_left_and_can_be_carried_on(
    harness, plugin_file, tmp_path
):
    """Every trial fails for want of torch."""
    path, out = plugin_file("mine", base="declared"), tmp_path / "run"
    words = ["--seeds", "0,1,2", "--jobs", "1", "--no-timing", "--device", "cpu", "-q"]
    code, _, err = harness("run", "--plugins", path, *words, "--fail-fast", "--out", out)
    last = err.splitlines()[-1]
    assert code == 1
    assert last.startswith("harness: 1 of 3 trials and measurements did not succeed: failed: ")
    assert last.endswith(f"; 2 trials were not run, carry on with: harness run --resume {out}")
    code, _, err = harness("run", "--resume", out, "--fail-fast", "-q")
    assert "; 1 trial was not run, carry on with: " in err.splitlines()[-1]
    code, _, err = harness("run", "--resume", out, "-q")
    assert code == 1
    assert "harness: 3 of 3 trials" in err.splitlines()[-1]
    assert "carry on with" not in err


# --- carried on -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake_torch", "no_data")
def test_a_run_is_carried_on_unless_its_plugin_has_changed(harness, plugin_file, tmp_path):
    """Every trial fails for want of torch, and is kept as it is."""
    path, out = plugin_file("mine", base="declared"), tmp_path / "run"
    words = ["--plugins", path, "--seeds", "0,1", "--no-timing", "--device", "cpu", "--out", out]
    assert harness("run", *words, "--set", "mine.hidden=8,16")[0] == 1
    lines = (out / RECORDS).read_text().splitlines()
    assert len(lines) == 4
    (out / RECORDS).write_text("\n".join(lines[:3]) + "\n")

    code, _, err = harness("run", "--resume", out)
    assert code == 1
    assert "4 trials on digits (quick), 3 of them done before" in err
    assert (out / RECORDS).read_text().splitlines()[:3] == lines[:3]

    path.write_text(path.read_text() + "# another method\n")
    code, _, err = harness("run", "--resume", out)
    assert code == 2
    assert "plugin mine (" in err.splitlines()[-1]
    assert f"harness run --resume {out} --rerun-changed" in err.splitlines()[-1]
    assert "Traceback" not in err

    code, _, err = harness("run", "--resume", out, "--rerun-changed")
    assert code == 1
    assert "4 trials on digits (quick)" in err
    assert "done before" not in err
    assert len((out / RECORDS).read_text().splitlines()) == 8
    summary = (out / "summary.csv").read_text().splitlines()
    assert len(summary) == 1 + 2  # a row for each of the sweep's values, of the new code
    sessions = json.loads((out / RUN).read_text())["sessions"]
    assert [session["command"].split()[2] for session in sessions] == [
        "--plugins", "--resume", "--resume",
    ]  # fmt: skip


@pytest.mark.usefixtures("fake_torch", "no_data")
def test_a_part_of_a_run_has_its_own_trials_and_is_not_measured(harness, plugin_file, tmp_path):
    path, out = plugin_file("mine", base="declared"), tmp_path / "run"
    words = ["--plugins", path, "--seeds", "0,1,2", "--device", "cpu", "--shard", "2/3"]
    code, _, err = harness("run", *words, "--out", out)
    assert code == 1, "for want of torch"
    assert [json.loads(line)["seed"] for line in (out / RECORDS).read_text().splitlines()] == [1]
    assert "a part of a run is not measured" in err


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -c 'from harness.cli import main; main()' tasks | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize("command", [("run",), ("layers",), ("doctor",)])
def test_a_device_that_is_none_is_refused_in_one_line(harness, command):
    code, _, err = harness(*command, "--device", "cuda:abc")
    assert code == 2
    told = err.strip().splitlines()[-1]
    assert "unknown device 'cuda:abc': known: auto, cpu, cuda, cuda:0, cuda:1, ..." in told
    assert "Traceback" not in err
