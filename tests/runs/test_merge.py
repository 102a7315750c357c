from __future__ import annotations

import json

import pytest

import harness
from harness.errors import UsageError
from harness.protocol.events import DeclaredMetric
from harness.results.session import changes
from harness.results.store import RUN
from tests.fixtures.small_runs import small_row, small_session, write_run

METRIC = DeclaredMetric(
    name="mine", title="Mine", unit="number", better="less", meaning="x", source="mine"
)


@pytest.fixture
def parts(tmp_path):
    shard = {"config": {"task": "made-up", "seeds": [0, 1], "shard": "1/2"}}
    other = {"config": {"task": "made-up", "seeds": [2], "shard": "2/2"}}
    for part, file in ((shard, "one.py"), (other, "two.py")):
        part |= {"metrics": (METRIC,), "files": {file: "digest"}}
    return [
        write_run(tmp_path / "a", seeds=(0, 1), session=small_session(**shard)).path,
        write_run(tmp_path / "b", seeds=(2,), session=small_session(**other), timing=False).path,
    ]


def test_the_merged_run_has_every_file_and_is_read_as_one(parts, tmp_path):
    run = harness.merge(parts, tmp_path / "all", report=False)
    assert not run.problems
    assert {row.label: row.cells["test_accuracy"].n for row in run.rows} == {
        "deep": 3, "wide": 3, "slow": 3,
    }  # fmt: skip
    for folder in ("state", "predictions", "logs", "samples"):
        names = {file.name for part in parts for file in (part / folder).iterdir()}
        assert {file.name for file in (run.path / folder).iterdir()} == names
    assert list(run.answers) == ["made-up"]


def test_it_is_resumed_as_the_whole(parts, tmp_path):
    run = harness.merge(parts, tmp_path / "all", command="harness merge", report=False)
    last = run.sessions[-1]
    assert (last.command, last.config["seeds"], last.config["shard"]) == (
        "harness merge",
        [0, 1, 2],
        "",
    )
    assert last.files == {"one.py": "digest", "two.py": "digest"}
    now = run.sessions[0].model_copy(update={"files": last.files})
    assert not changes(last, now)
    trials = [record for record in run.records if record.kind == "trial"]
    from harness.results.store import RunFolder

    kept = RunFolder(run.path).kept(len(run.sessions) - 1)
    assert {record.key for record in trials} <= {record.key for record in kept}


@pytest.mark.parametrize(
    ("baseline", "kept"), [("deep", ""), ("deep n=2", "deep n=2"), ("wide", "wide")]
)
def test_a_baseline_that_names_several_rows_now_is_told_and_not_kept(tmp_path, baseline, kept):
    """A run in which it does cannot be carried on."""
    for n in (1, 2):
        config = {"baseline": baseline, "params": {"deep": {"n": [str(n)]}}}
        rows = [small_row("deep", params={"n": n}), small_row("wide")]
        write_run(tmp_path / str(n), rows, seeds=(n,), session=small_session(config=config))
    said = []
    paths = [tmp_path / "1", tmp_path / "2"]
    run = harness.merge(paths, tmp_path / "all", report=False, say=said.append)
    assert run.sessions[-1].config["baseline"] == kept
    assert ("--baseline 'deep' names several rows now: it is not kept" in said) == (not kept)


def test_what_a_resume_holds_against_the_run_is_that_of_all_parts(tmp_path):
    for number, name in enumerate(("one", "two")):
        metric = DeclaredMetric(
            name=name, title=name, unit="number", better="more", meaning="", source="x"
        )
        session = small_session(metrics=(metric,), files={f"{name}.py": "digest"})
        write_run(tmp_path / name, seeds=(number,), session=session)
    run = harness.merge([tmp_path / "one", tmp_path / "two"], tmp_path / "all", report=False)
    last = run.sessions[-1]
    assert [metric.name for metric in last.metrics] == ["one", "two"]
    assert last.files == {"one.py": "digest", "two.py": "digest"}


def test_runs_of_other_code_and_parameters_stay_apart(tmp_path):
    rows = [small_row("a", digest="x"), small_row("a", digest="y"), small_row("a", params={"n": 2})]
    paths = [write_run(tmp_path / str(n), [row], draw=n).path for n, row in enumerate(rows)]
    run = harness.merge(paths, tmp_path / "all", report=False)
    assert len(run.rows) == 3
    assert all(len(row.ok) == 3 for row in run.rows)
    again = harness.merge([run.path, paths[0]], tmp_path / "again", report=False)
    assert len(again.rows) == 3


def test_the_report_of_a_merged_run_can_be_written(parts, tmp_path):
    run = harness.merge(parts, tmp_path / "all", report=False)
    run.report(figures=False)
    assert "deep" in (run.path / "report.md").read_text()


def test_a_refused_merge_leaves_nothing(parts, tmp_path):
    wrong = write_run(tmp_path / "wrong", seeds=(0,), accuracy={"deep": 0.5}, timing=False).path
    with pytest.raises(UsageError, match="contradict each other"):
        harness.merge([*parts, wrong], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_another_schema_is_refused(parts, tmp_path):
    described = json.loads((parts[1] / RUN).read_text())
    (parts[1] / RUN).write_text(json.dumps(described | {"schema": 1}))
    with pytest.raises(UsageError, match="has results schema 1"):
        harness.merge(parts, tmp_path / "all")


def test_one_folder_given_twice_is_not_two(parts, tmp_path):
    with pytest.raises(UsageError, match="two runs or more"):
        harness.merge([parts[0], parts[0]], tmp_path / "all")


def test_what_to_know_is_said(parts, tmp_path):
    newer = small_session(host={"version": "2"}, config={"task": "made-up", "threads": 2})
    other = write_run(tmp_path / "c", ("other",), session=newer).path
    said = []
    harness.merge([*parts, other], tmp_path / "all", report=False, say=said.append)
    assert any("several versions of the harness or of torch" in line for line in said)
    assert any("differ in their metrics by hook" in line for line in said)


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("plugins", 5, "--plugins"),
        ("preset", 5, "--preset"),
        ("params", {"a": 3}, "params: wanted"),
        ("seeds", [[1], [2]], "--seeds"),
    ],
)
def test_a_damaged_configuration_is_named_with_its_folder(parts, tmp_path, field, value, option):
    for part, damage in zip(parts, ({field: value}, {})):
        described = json.loads((part / RUN).read_text())
        config = described["sessions"][-1]["config"]
        config |= {"plugins": ["a"], "preset": "quick", "params": {"a": {"n": [1]}}, **damage}
        (part / RUN).write_text(json.dumps(described))
    with pytest.raises(UsageError, match=rf"a/run.json is damaged: {option}"):
        harness.merge(parts, tmp_path / "all", report=False)
    assert not (tmp_path / "all").exists()


def test_rows_have_the_order_of_the_plan_whichever_trial_ended_first(tmp_path):
    """Also in a run that was merged, of parts in any order, and where accuracies have a baseline."""
    plugins = {name: {"digest": name} for name in ("slow", "deep", "wide")}
    for number, ended in enumerate([("deep", "slow"), ("wide",)]):
        rows = [small_row(name).key for name in plugins]
        config = {"seeds": [0, 1], "preset": "quick"}
        session = small_session(plugins=plugins, config=config, rows=rows)
        write_run(tmp_path / str(number), ended, seeds=(0, 1), timing=False, session=session)
    run = harness.merge([tmp_path / "1", tmp_path / "0"], tmp_path / "all")
    assert [row.label for row in run.rows] == ["slow", "deep", "wide"]
    assert list(run.summary["label"]) == ["slow", "deep", "wide"]
    assert [*zip(run.frame["label"], run.frame["seed"])] == [
        (name, seed) for name in ("slow", "deep", "wide") for seed in (0, 1)
    ]
    assert "Against slow |" in (run.path / "report.md").read_text()
