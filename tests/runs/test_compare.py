from __future__ import annotations

import json

import pytest

import harness
from harness.errors import UsageError
from harness.results.store import RunFolder
from tests.fixtures.small_runs import small_session, write_run


@pytest.fixture
def old(tmp_path):
    return write_run(tmp_path / "old").path


def test_two_folders_or_two_runs(old, tmp_path):
    new = write_run(tmp_path / "new", draw=1, accuracy={"deep": 0.9}).path
    comparison = harness.compare(old, new)
    assert (comparison.old, comparison.new) == ("old", "new")
    assert [(c.row, c.metric) for c in comparison.changed()] == [("deep", "test_accuracy")]
    again = harness.compare(harness.load(old), harness.load(new))
    assert again.changes == comparison.changes


def test_a_run_and_a_comparison_are_shown_in_one_line(old, tmp_path):
    new = write_run(tmp_path / "new").path
    for found, told in (
        (harness.load(old), "<Run of networks in "),
        (harness.compare(old, new), "<Comparison of "),
    ):
        assert repr(found).startswith(told) and len(repr(found).splitlines()) == 1
        assert len(repr(found)) < 100 + len(str(old))


def test_what_could_not_be_read_is_told(old, tmp_path):
    new = write_run(tmp_path / "new").path
    with (new / "records.jsonl").open("a") as file:
        file.write("half a line")
    assert any("Left out: records.jsonl line" in note for note in harness.compare(old, new).notes)


def test_a_run_that_was_interrupted_says_how_much_of_it_there_is(old, tmp_path):
    session = small_session(planned=12)
    new = write_run(tmp_path / "new", session=session).path
    assert harness.compare(old, new).notes == ["new has 9 of the 12 trials that it was asked for."]


def test_a_run_is_not_compared_with_itself(old):
    """A gate that passed would prove nothing: a path was given twice."""
    with pytest.raises(UsageError, match="are one run: give two"):
        harness.compare(old, old / ".." / old.name)


def test_networks_are_not_compared_with_layers(old, tmp_path):
    folder = RunFolder.create(tmp_path / "layers", "layers")
    folder.begin(small_session())
    with pytest.raises(UsageError, match="give two of one kind"):
        harness.compare(old, folder.path)


def test_an_unknown_way_with_timings_is_refused(old):
    with pytest.raises(UsageError, match="known: same, anyway, none"):
        harness.compare(old, old, timings="maybe")


@pytest.mark.parametrize("call", [0.0, -1.0, 1e400, "slow", None])
def test_damaged_times_are_not_compared_and_that_is_told(old, tmp_path, call):
    new = write_run(tmp_path / "new").path
    for path in (new / "samples").iterdir():
        samples = json.loads(path.read_text())
        samples["seconds"]["latency"][0][0] = call
        path.write_text(json.dumps(samples))
    comparison = harness.compare(old, new)
    assert not [c for c in comparison.changes if c.metric == "latency_ms" and c.p is not None]
    assert "Some raw times were not kept" in " ".join(comparison.notes)
