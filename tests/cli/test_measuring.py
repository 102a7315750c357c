"""What the commands that measure have in common; nothing is measured here."""

from __future__ import annotations

import os
import pty
import signal
import sys

import click
import pytest

from harness.cli.interrupts import SIGNALS, catch
from harness.cli.measuring import comma_separated, names
from harness.errors import UsageError
from harness.results.session import Session
from harness.results.store import RunFolder
from harness.runs.run import load


@pytest.mark.parametrize(
    ("given", "found"),
    [((), ["all"]), (("a,b", "c"), ["a", "b", "c"]), (("",), []), ((",",), []), (("a,",), ["a"])],
)
def test_plugins_are_named_in_one_option_or_in_several(given, found):
    assert names(given) == found


def test_values_are_separated_by_commas_or_given_again():
    parse = comma_separated(int, "integers")
    assert parse(None, None, ["1,2"]) == (1, 2)
    assert parse(None, None, ["1", "2,3"]) == (1, 2, 3)
    with pytest.raises(click.BadParameter, match="'1,x': wanted integers"):
        parse(None, None, ["1,x"])


@pytest.fixture
def installed(distribution):
    distribution("p", {"plug": "m"}, layers={"lay": "m"}, modules={"m": ""})


@pytest.mark.parametrize(
    ("command", "kind", "plugin"), [("run", "networks", "plug"), ("layers", "layers", "lay")]
)
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.usefixtures("installed")
def test_an_interrupted_command_says_how_to_carry_on(
    harness, tmp_path, monkeypatch, command, kind, plugin, begun, number
):
    """Also where SIGINT was ignored when it started, as in the background of a script."""
    out = tmp_path / "out"

    def interrupted(*_words, **_options):
        if begun:
            RunFolder.create(out, kind).begin(Session())
        try:
            signal.raise_signal(number)
            pytest.fail("the signal was ignored")
        finally:
            for later in (*SIGNALS, signal.SIGINT):
                signal.raise_signal(later)  # any number of them, while the report is written
            (out.parent / "finished").touch()

    monkeypatch.setattr(f"harness.coordinator.api.{command}", interrupted)
    # As a terminal starts it: the tests themselves may run under nohup.
    before = {each: signal.signal(each, signal.SIG_DFL) for each in SIGNALS}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code, _, err = harness(command, "--plugins", plugin, "--out", out)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert code == 130
    assert (tmp_path / "finished").exists()
    assert err.splitlines()[-1] == (
        "harness: interrupted; what was finished is kept, carry on with: "
        f"harness {command} --resume {out}"
        if begun
        else "harness: interrupted before anything was measured"
    )


def test_a_terminal_that_is_closed_ends_nothing_under_nohup():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        catch()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGQUIT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_closed_terminal_breaks_no_print(tmp_path):
    """The command's terminal hangs up: it gets SIGHUP, and every write to it is an error."""
    code = (
        "import os, signal, sys, time\n"
        "from harness.cli.interrupts import catch\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # the tests may run under nohup
        "catch()\n"
        "try:\n"
        "    os.write(1, b'ready')\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True); print('x' * 9999, file=sys.stderr, flush=True)\n"
        f"    open({str(tmp_path / 'done')!r}, 'w').close()\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    assert os.read(terminal, 5) == b"ready"
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert (tmp_path / "done").exists()


@pytest.mark.usefixtures("installed")
def test_what_decides_no_result_may_change_in_a_run_that_is_carried_on(
    harness, tmp_path, monkeypatch
):
    seen = {}

    def resume(path, kind, **options):
        seen.update(options)
        raise UsageError("seen")

    monkeypatch.setattr("harness.coordinator.api.resume", resume)
    words = ["--retry", "failed", "--timeout", "600", "--memory", "4", "--jobs", "1", "-q"]
    code, out, err = harness("run", "--resume", tmp_path, *words)
    assert (code, out, err) == (2, "", "harness: seen\n")
    assert seen["changed"] == {"timeout": 600.0, "memory": 4.0, "jobs": 1}
    assert seen["retry"] is True


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_a_file_names_wrongly_is_told_with_the_line(
    harness, tmp_path, monkeypatch, installed
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench.toml").write_text("plugins = ['plug']\n[set.plgu]\nx = 1\n")
    for words in ([], ["--dry-run"]):
        code, _, err = harness("run", "--config", "bench.toml", *words)
        assert code == 2 and "bench.toml:3: unknown plugin 'plgu': did you mean 'plug'?" in err
    code, _, err = harness("run", "--config", "bench.toml", "--set", "plgu.x=2")
    assert code == 2 and "--set plgu.x: unknown plugin 'plgu'" in err


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("plugins = ['plgu']", "unknown plugin 'plgu': did you mean 'plug'?"),
        ("plugins = 'gone.py'", "plugin file gone.py: No such file"),
        ("task = ['digits', 'digts']", "unknown task 'digts': did you mean 'digits'?"),
        ("device = 'gpu'", "unknown device 'gpu'"),
    ],
)
def test_a_name_in_a_file_that_there_is_not_is_told_with_the_line(
    harness, tmp_path, monkeypatch, option, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bench.toml").write_text(f"seeds = [0]\n{option}\n")
    for words in ([], ["--dry-run"]):
        code, _, err = harness("run", "--config", "bench.toml", *words)
        assert code == 2 and f"bench.toml:2: {reason}" in err
    name = option.partition(" ")[0]
    code, _, err = harness("run", "--config", "bench.toml", f"--{name}", "gone.py")
    assert code == 2 and "bench.toml" not in err


def test_a_file_that_another_run_named_and_is_gone_can_be_given_anew(harness, tmp_path):
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.begin(Session(config={"plugins": ["gone.py"]}, folder=".."))
    code, _, err = harness("run", "--config", str(folder.path / "run.json"))
    assert code == 2 and "plugin file gone.py: No such file or directory: give --plugins" in err


@pytest.mark.usefixtures("installed")
def test_a_dry_run_refuses_what_the_run_would(harness, tmp_path):
    (tmp_path / "other").touch()
    for words, reason in (
        (["--out", tmp_path], "exists and is no run"),
        (["--checkpoint", "seldom"], "--checkpoint: "),
        (["--scheduler", "tcp://here:1"], "goes with --executor dask"),
    ):
        code, _, err = harness("run", "--dry-run", *words)
        assert code == 2 and reason in err


def test_the_command_line_overrides_a_file(harness, tmp_path, monkeypatch):
    seen = {}

    def run(plugins, **options):
        seen.update(options, plugins=plugins)
        raise UsageError("seen")

    monkeypatch.setattr("harness.coordinator.api.run", run)
    file = tmp_path / "bench.toml"
    file.write_text(
        "plugins = ['plug']\nseeds = [5, 6]\nlimit = 9\nout = 'there'\n"
        "[set.plug]\nhidden = [1, 2]\nrate = 3\n"
    )
    harness("run", "--config", file, "--seeds", "7", "--set", "plug.rate=4", "--no-timing")
    assert seen["plugins"] == ["plug"]
    assert seen["seeds"] == (7,)
    assert (seen["limit"], seen["timing"], seen["rounds"]) == (9, False, 12)
    assert seen["params"] == {"plug": {"hidden": (1, 2), "rate": ("4",)}}
    assert seen["out"] == tmp_path / "there"


@pytest.mark.parametrize(
    ("facts", "code", "said"),
    [
        ({"reload": "same"}, 0, ""),
        (
            {"reload": "9 answers differ"},
            1,
            "Refuted, and not ranked: fake: 9 answers differ (seed 0).",
        ),
    ],
)
@pytest.mark.usefixtures("installed")
def test_a_refuted_row_is_told_and_is_exit_code_1(
    harness, tmp_path, monkeypatch, make_record, facts, code, said
):
    folder = RunFolder.create(tmp_path / "run", "networks")
    folder.append(make_record(metrics={"test_accuracy": 0.9}, facts=facts))
    monkeypatch.setattr(
        "harness.coordinator.api.run", lambda *_words, **_options: load(folder.path)
    )
    found, out, _ = harness("run", "--plugins", "plug", "--out", tmp_path / "out")
    assert found == code
    assert said in " ".join(out.split())


@pytest.mark.parametrize("words", [["run"], ["run", "--dry-run"], ["layers"]])
def test_quiet_and_verbose_contradict_each_other(harness, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    code, _, err = harness(*words, "-v", "-q")
    assert (code, err.count("\n")) == (2, 1) and "contradict each other" in err
    assert not list(tmp_path.iterdir())
