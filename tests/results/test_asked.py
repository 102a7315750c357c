"""How many trials a run was asked for."""

from __future__ import annotations

import pytest

from harness.results.asked import asked_trials
from harness.results.session import Session


@pytest.fixture
def session():
    def make(*plugins, seeds=(0, 1), **fields):
        config = {"seeds": list(seeds), **fields.pop("config", {})}
        return Session(plugins={name: {} for name in plugins}, config=config, **fields)

    return make


@pytest.fixture
def trials(make_record):
    """Records of trials, each given as plugin and seed, of one session."""

    def make(*told, session=0, **fields):
        pairs = (each.split() for each in told)
        return [
            make_record(plugin=name, seed=int(seed), session=session, **fields)
            for name, seed in pairs
        ]

    return make


def test_where_every_trial_has_a_record_they_are_all(session, trials):
    assert asked_trials(trials("a 0", "a 1"), [session("a")]) == 2
    assert asked_trials(trials("a 0", "a 1")) == 2
    assert asked_trials([], []) == 0


def test_an_interrupted_trial_was_asked_for_though_it_left_no_record(session, trials):
    assert asked_trials(trials("a 0", "b 0"), [session("a", "b", "c", seeds=(0,))]) == 3
    assert asked_trials(trials("a 0", "b 0", "a 1"), [session("a", "b")]) == 4
    assert asked_trials([], [session("a", "b")]) == 4


def test_each_row_of_a_plugin_has_every_seed(session, trials):
    rows = [*trials("a 0", params={"hidden": 32}), *trials("a 0", params={"hidden": 64})]
    assert asked_trials(rows, [session("a")]) == 4


def test_what_a_later_session_did_was_asked_for_once(session, trials):
    records = [*trials("a 0", "b 0"), *trials("a 1", "b 1", session=1)]
    assert asked_trials(records, [session("a", "b"), session("a", "b")]) == 4
    assert asked_trials(records[:3], [session("a", "b"), session("a", "b")]) == 4


def test_a_part_of_a_run_and_rows_without_any_record_are_told_by_the_plans_number(session, trials):
    part = session("a", "b", config={"shard": "1/2"}, planned=2)
    assert asked_trials(trials("a 0"), [part]) == 2
    assert asked_trials(trials("a 0"), [session("a", planned=6)]) == 6
    assert asked_trials(trials("a 0", "a 1"), [session("a", planned=6, merged_from="x")]) == 2


def test_merged_runs_have_asked_each_for_its_own_and_parts_for_the_whole(session, trials):
    records = [*trials("a 0", "b 0"), *trials("a 1", session=1)]
    runs = [session("a", "b", seeds=(0,), merged_from="x", planned=2)]
    runs += [session("a", seeds=(1,), merged_from="y", planned=1), session("a", "b")]
    assert asked_trials(records, runs) == 3
    assert asked_trials(records[:2], runs) == 3  # the second was interrupted
    parts = [session("a", "b", merged_from="x", config={"shard": "1/2"}, planned=2)]
    assert asked_trials(records[:2], [*parts, session("a", "b")]) == 4
    assert asked_trials(records, [*runs, session("a", "b", planned=4)]) == 4  # it was resumed


def test_a_run_that_was_resumed_has_not_asked_for_the_rows_of_one_beside_it(session, trials):
    records = [*trials("a 0"), *trials("a 2", session=2, params={"hidden": 64})]
    runs = [session("a", seeds=(0,)), session("a", seeds=(0,))]
    assert asked_trials(records, [*runs, session("a", seeds=(2,), merged_from="other")]) == 2
