from __future__ import annotations

from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.results.answers import read_answers
from harness.results.merge import Part, current_of_each, merged, unified, write
from harness.results.record import TrialRecord
from harness.results.store import RunFolder
from tests.fixtures.small_runs import small_row, small_session, write_run, write_tasks


@pytest.fixture
def part(tmp_path):
    def make(name, *args, **changes):
        return Part.read(write_run(tmp_path / name, *args, **changes).path)

    return make


def trials(made):
    return [(r.row.plugin, r.seed) for _, r in made.records if r.kind == "trial"]


def test_the_same_row_has_all_its_seeds_and_others_stay_apart(part):
    made = merged([part("a", ("deep",), seeds=(0, 1)), part("b", ("deep", "wide"), seeds=(2,))])
    assert trials(made) == [("deep", 0), ("deep", 1), ("deep", 2), ("wide", 2)]


def test_a_value_given_alone_and_one_of_a_list_make_the_same_row(part, tmp_path):
    rows = [small_row("deep", params={"hidden": n}, swept={"hidden": n}) for n in (32, 64)]
    alone = small_row("deep", params={"hidden": 32})
    made = merged([part("a", rows, seeds=(0,)), part("b", [alone], seeds=(1,), timing=False)])
    found = [r for _, r in made.records if r.kind == "trial"]
    assert [(r.row.swept["hidden"], r.seed) for r in found] == [(32, 0), (64, 0), (32, 1)]
    assert len({r.row.key for r in found}) == 2
    out = RunFolder.create(tmp_path / "all", "networks")
    write(out, made, small_session())
    assert read_answers(out, out.records()[0])[1] == []
    assert len(list((out.path / "predictions").glob("deep-*"))) == 3


def test_values_that_two_runs_gave_alone_are_a_list_of_the_merged_run(part):
    rows = [small_row("deep", params={"hidden": n}) for n in (32, 64)]
    parts = [part("a", rows[:1], timing=False), part("b", rows[1:], timing=False)]
    made = merged(parts, {"d*": {"hidden": ["32", "64"]}, "wide": {"n": ["1", "2"]}})
    assert [r.row.swept for _, r in made.records] == [{"hidden": 32}] * 3 + [{"hidden": 64}] * 3
    assert {str(r.row.swept) for _, r in merged(parts).records} == {"{}"}


def test_the_baseline_of_a_measurement_is_named_by_its_new_key(part):
    alone = [small_row("deep", params={"hidden": 32}), small_row("wide")]
    first = part("a", alone, seeds=(0,))
    records = [
        r.model_copy(update={"baseline": alone[0].key}) if r.kind == "network-timing" else r
        for r in first.records
    ]
    swept = small_row("deep", params={"hidden": 64}, swept={"hidden": 64})
    second = part("b", [swept], seeds=(0,), timing=False)
    made = merged([replace(first, records=records), second])
    timings = [r for _, r in made.records if r.kind == "network-timing"]
    assert timings[0].row.key != alone[0].key
    assert {r.baseline for r in timings} == {timings[0].row.key}


def test_each_record_keeps_its_session(part):
    made = merged([part("a", ("deep",), seeds=(0,)), part("b", ("deep",), seeds=(1,))])
    places = {record.seed: record.session for _, record in made.records if record.kind == "trial"}
    assert places == {0: 0, 1: 1}
    assert [session.merged_from.rsplit("/")[-1] for session in made.sessions] == ["a", "b"]


def test_the_same_trial_with_the_same_outcome_counts_once(part):
    """Training times differ between any two trials."""
    made = merged([part("a", timing=False), part("b", timing=False)])
    assert len(trials(made)) == 9
    assert {part.folder.path.name for part, _ in made.records} == {"a"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"accuracy": {"deep": 0.5}}, "contradict each other: deep seed 0 has test_accuracy 0."),
        ({"failed": [("deep", 0)]}, "deep seed 0 is ok in one and failed in the other"),
        ({"labels": 1}, "its test samples differ"),
        ({"session": small_session(data={"source": "other"})}, "its data is {'source': 'other'}"),
        ({"session": small_session(config={"task": "b"})}, "its task is b, not made-up"),
    ],
)
def test_contradictions_are_refused_with_the_reason(part, changes, reason):
    with pytest.raises(UsageError) as error:
        merged([part("a"), part("b", **changes)])
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_of_two_measurements_of_a_row_the_first_is_kept_and_told(part):
    made = merged([part("a", ("deep", "wide")), part("b", ("wide", "slow"))])
    timings = [(r.row.plugin, p.folder.path.name) for p, r in made.records if "timing" in r.kind]
    assert timings == [("deep", "a"), ("wide", "a"), ("slow", "b")]
    (note,) = made.notes
    assert note.startswith("wide was measured in ")
    assert note.endswith("the first measurement is kept")


def test_a_run_of_layers_is_not_merged_with_networks(part, tmp_path):
    folder = RunFolder.create(tmp_path / "layers", "layers")
    folder.begin(small_session())
    with pytest.raises(UsageError, match="of harness layers: they cannot be merged"):
        merged([part("a"), Part.read(folder.path)])


def test_a_run_without_a_session_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no session"):
        Part.read(RunFolder.create(tmp_path / "empty", "networks").path)


def test_changed_code_replaces_a_record_within_a_run_and_not_between_two():
    rows = [small_row("a", digest=digest) for digest in "xy"]
    records = [TrialRecord(row=row, seed=0, status="ok", session=n) for n, row in enumerate(rows)]
    one = [small_session(), small_session()]
    two = [small_session(merged_from=name) for name in "ab"]
    assert current_of_each(records, one) == records[1:]
    assert current_of_each(records, two) == records


def test_a_configuration_that_asks_for_all():
    configs = [
        {"plugins": ["a"], "seeds": [0, 1], "preset": "quick", "shard": "1/2", "timing": False},
        {"plugins": ["b", "a"], "seeds": [1, 2], "preset": "best", "shard": "2/2", "timing": True},
    ]
    assert unified(configs) == (
        {
            "plugins": ["a", "b"],
            "seeds": [0, 1, 2],
            "preset": "quick,best",
            "shard": "",
            "timing": True,
        },
        [],
    )


def test_the_values_of_parameters_that_all_set_are_put_together():
    configs = [{"params": {"a": {"x": ["1", "2"]}}}, {"params": {"a": {"x": ["2", "3"]}}}]
    assert unified(configs) == ({"params": {"a": {"x": ["1", "2", "3"]}}}, [])


def test_what_has_no_union_is_the_last_ones_and_told():
    configs = [{"threads": 1, "params": {"a": {"x": [1]}}}, {"threads": 2, "params": {}}]
    assert unified(configs) == (configs[1], ["threads", "params"])


def test_parts_of_a_run_of_several_tasks_keep_the_samples_of_each(tmp_path):
    paths = [write_tasks(tmp_path / str(n), seeds=(n,), timing=False).path for n in (0, 1)]
    out = RunFolder.create(tmp_path / "all", "networks")
    write(out, merged([Part.read(path) for path in paths]), small_session())
    answers, problems = read_answers(out, out.records()[0])
    assert (list(answers), problems) == (["one", "two"], [])
    assert [len(found.classes) for found in answers.values()] == [4, 4]
    other = write_tasks(tmp_path / "other", seeds=(2,), labels=7).path
    with pytest.raises(UsageError, match="its test samples differ"):
        merged([Part.read(path) for path in (*paths, other)])
