from __future__ import annotations

import pytest

from harness.report.page.cards import command, row_cards
from harness.report.rows import network_rows
from harness.results.record import Cited
from harness.results.summary import summarise
from report.synthetic_run import record, run_records, session


def cards(records, folder=None, sessions=()):
    return {c.name: c for c in row_cards(network_rows(summarise(records)), sessions, (), folder)}


def test_a_row_tells_what_it_is():
    card = cards(run_records())["snntorch-conversion"]
    assert dict(card.about)["Plugin"] == "snntorch-conversion, built on snntorch 1.0"
    assert dict(card.numbers)["Test accuracy"].startswith("97.")
    assert dict(card.parameters)["hidden"] == "500"
    assert dict(card.parameters)["scale1 (reported by the plugin)"] == "1.6"
    assert card.layer_titles[:2] == ["Layer", "Sparsity"]
    assert [line[0] for line in card.layers] == ["hidden1", "output"]


def test_a_row_says_what_its_plugin_says_that_it_is():
    told = {"ann-relu": {"description": "the control\x1b[31m"}}
    card = cards(run_records(), sessions=[session(plugins=told)])["ann-relu"]
    assert card.about[0] == ("Description", "the control\\x1b[31m")
    for sessions in ([session()], []):  # as older runs have it
        assert "Description" not in dict(cards(run_records(), sessions=sessions)["ann-relu"].about)


def test_the_command_repeats_the_row():
    swept = {"swept": {"hidden": "32 64"}, "preset": "source"}
    (row,) = network_rows(summarise([record("a", seed, of=swept) for seed in (0, 2)]))
    assert command(row, ()) == (
        "harness run --plugins a --task mnist --preset source --set 'a.hidden=32 64' --seeds 0,2 "
        "--device cpu --threads 2"
    )


def test_the_command_names_the_file_of_a_plugin_and_what_was_set():
    (row,) = network_rows(summarise([record("mine")]))
    params = {"mi*": {"lr": [0.25], "code": ["rate"]}, "mine": {"lr": [0.5], "steps": [1, 2]}}
    config = {"plugins": ["all", "work/mine.py"], "params": {**params, "other": {"theta": [2]}}}
    told = command(row, [session(config=config)])
    assert "--plugins work/mine.py " in told
    assert "--set mine.lr=0.5 --set mine.code=rate --seeds" in told


def test_the_command_names_the_file_of_a_parameter_by_its_path():
    swept = {"model": "b.py:make@0123456789ab"}
    (row,) = network_rows(summarise([record("mine", of={"swept": swept, "params": swept})]))
    config = {"params": {"mine": {"model": ["nets/a.py:make", "nets/b.py:make"]}}}
    assert "--set mine.model=nets/b.py:make " in command(row, [session(config=config)])


@pytest.mark.parametrize(
    ("url", "link"),
    [("https://example.org/a", "https://example.org/a"), ("javascript:alert(1)", "")],
)
def test_only_an_address_of_the_web_is_a_link(url, link):
    source = Cited(title="A paper", authors="Somebody", year=2020, url=url)
    assert cards([record("a", source=source)])["a"].link == link


def test_a_failure_shows_the_end_of_its_log(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("".join(f"line {n}\x1b[31m\n" for n in range(100)))
    (logs,) = cards([record("a", 0, "failed", "why", log="logs/a.log")], tmp_path)["a"].logs
    assert logs[:2] == ("Seed 0", "failed: why")
    assert logs[2].endswith("line 99\\x1b[31m")
    assert len(logs[2].splitlines()) == 25


@pytest.mark.parametrize("log", ["../secret", "/etc/hostname", "logs", "logs/\x00", ""])
def test_no_file_outside_of_the_run_is_read(tmp_path, log):
    run = tmp_path / "run"
    (run / "logs").mkdir(parents=True)
    (tmp_path / "secret").write_text("a secret")
    (logs,) = cards([record("a", 0, "failed", "why", log=log)], run)["a"].logs
    assert logs[2] == ""
