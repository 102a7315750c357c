from __future__ import annotations

from harness.report.environment import cards, machine, sessions_table, warnings, who_measured

from .synthetic_run import record, session


def test_one_session_is_a_card_for_each_of_its_parts():
    asked = {"seeds": [0, 1, 2], "metrics": []}
    made = {card.title: dict(card.pairs) for card in cards([session(config=asked)])}
    assert made["Environment"]["memory"] == "7.75 GiB"
    assert made["Environment"]["dirty"] == "yes"
    assert made["Environment"]["packages, torch"] == "2.15.0"
    assert made["Data"]["digests, test"] == "sha256:41fe02a97c"
    assert made["Run"]["load average at the start"] == "0.21"
    assert made["Wall seconds"]["trials"] == "310.5"
    assert made["Config"]["seeds"] == "0, 1, 2"
    assert "metrics" not in made["Config"]
    assert "gpus" not in made["Environment"] or made["Environment"]["gpus"] == "none"


def test_of_a_further_session_only_what_differs_is_told():
    second = session(load_average=3.0)
    titles = [card.title for card in cards([session(), second])]
    assert "Session 1: environment" in titles
    assert titles[-1] == "Session 2: run"
    assert dict(cards([session(), second])[-1].pairs) == {"load average at the start": "3"}


def test_several_sessions_are_a_table():
    records = [record("a"), record("b").model_copy(update={"session": 1})]
    table = sessions_table([session(), session(command="second")], records)
    assert [line[0].value for line in table.lines] == ["1", "2"]
    assert table.lines[1][5].value == "second"
    assert [line[6].value for line in table.lines] == ["1 trials", "1 trials"]
    assert sessions_table([session()], records) is None


def test_records_of_one_session_need_no_word():
    assert who_measured([session(), session()], [record("a")]) == ""


def test_only_sessions_of_records_are_warned_of():
    clean = session(environment={})
    assert any("uncommitted" in told for told in warnings([session()], [record("a")]))
    assert warnings([clean, session()], [record("a")]) == []
    assert machine(clean) == ""
