"""A run in MLflow: in a store of the test's own."""

from __future__ import annotations

import sys
import warnings

import pytest

import harness as api
from harness.errors import UsageError
from harness.runs import mlflow as logging_
from tests.fixtures.small_runs import small_row, small_session, write_run


@pytest.fixture
def run(tmp_path):
    rows = [small_row("deep", params={"n": 3, "task": "a name of its own"}), small_row("broken")]
    session = small_session(command="harness run --plugins all")
    folder = write_run(
        tmp_path / "run", rows, failed=[("broken", seed) for seed in (0, 1, 2)], session=session
    )
    (folder.path / "report.html").write_text("<p>the page</p>")
    return folder.path


@pytest.fixture(scope="module")
def mlflow():
    """MLflow, which tells nobody that it is used."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield pytest.importorskip("mlflow", reason="the extra mlflow is not installed")


@pytest.fixture(scope="module")
def store(mlflow, tmp_path_factory):
    """The address of a database of the tests' own: making one takes seconds."""
    pytest.importorskip("sqlalchemy", reason="the extra mlflow is not installed")
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/store.db"


@pytest.fixture
def client(mlflow, store, tmp_path, monkeypatch):
    """A client of that store, and its address; artifacts go to the test's folder."""
    monkeypatch.chdir(tmp_path)
    return mlflow.MlflowClient(tracking_uri=store), store


@pytest.mark.filterwarnings("ignore")  # of the libraries below MLflow
def test_each_row_is_a_run_below_that_of_the_whole(run, client, harness):
    store, uri = client
    code, out, err = harness("log", run, "--tracking-uri", uri)
    assert code == 0, err
    (experiment,) = [e for e in store.search_experiments() if e.name == "snn-harness"]
    every = {r.info.run_name: r for r in store.search_runs([experiment.experiment_id])}
    assert set(every) == {"run", "deep", "broken"}
    parent, deep, broken = every["run"], every["deep"], every["broken"]
    assert f"logged 2 rows of {run} to mlflow" in out and parent.info.run_id in out
    assert parent.data.tags["harness.cpu"] == "made up"
    assert parent.data.tags["mlflow.source.git.commit"] == "a" * 40
    assert parent.data.tags["harness.command"] == "harness run --plugins all"
    assert parent.data.params["task"] == "made-up"
    kept = {file.path for file in store.list_artifacts(parent.info.run_id)}
    assert {"report.html", "run.json"} <= kept
    for child in (deep, broken):
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert deep.data.params["n"] == "3"
    assert (deep.data.params["task"], deep.data.params["params.task"]) == (
        "made-up", "a name of its own"
    )  # fmt: skip
    (row,) = [row for row in api.load(run).rows if row.label == "deep"]
    cell = row.cells["test_accuracy"]
    metrics = deep.data.metrics
    names = ("test_accuracy", "test_accuracy_low", "test_accuracy_high")
    assert [metrics[name] for name in names] == pytest.approx([cell.value, cell.low, cell.high])
    assert metrics["latency_ms_low"] < metrics["latency_ms"] < metrics["latency_ms_high"]
    assert (deep.info.status, broken.info.status, parent.info.status) == (
        "FINISHED", "FAILED", "FINISHED"
    )  # fmt: skip
    assert broken.data.tags["harness.reasons"] == "it broke"


@pytest.mark.filterwarnings("ignore")
def test_a_second_run_goes_to_the_same_experiment(run, client):
    store, uri = client
    first = api.log_mlflow(run, tracking_uri=uri, experiment="mine")
    second = api.log_mlflow(api.load(run), tracking_uri=uri, experiment="mine")
    assert first != second
    assert store.get_run(first).info.experiment_id == store.get_run(second).info.experiment_id


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "uri", ["http://user:secret@127.0.0.1:9", "sqlite:////dev/null/store.db", "odd://store"]
)
def test_a_store_that_cannot_be_reached_is_one_line(run, uri):
    with pytest.raises(UsageError, match=r"^cannot log to .*is --tracking-uri right") as error:
        api.log_mlflow(run, tracking_uri=uri)
    assert "\n" not in str(error.value) and "secret" not in str(error.value)


def test_without_mlflow_the_extra_is_named(run, monkeypatch, harness):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    code, _, err = harness("log", run)
    assert code == 2
    assert err == "harness: --to mlflow needs mlflow: pip install 'snn-harness[mlflow]'\n"


def test_nothing_is_sent_through_a_link(run, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (run / "report.md").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match=r"report\.md is a symbolic link"):
        api.log_mlflow(run)


def test_what_is_no_run_is_told(tmp_path, harness):
    code, _, err = harness("log", tmp_path)
    assert code == 2 and err.count("\n") == 1


def test_a_password_is_not_shown():
    shown = logging_._without_password("http://me:secret@host:5000/x")
    assert shown == "http://me:***@host:5000/x"
    assert logging_._without_password("sqlite:///a.db") == "sqlite:///a.db"
