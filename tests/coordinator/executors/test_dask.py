"""The cluster of these tests answers in this process; tests/end_to_end/test_cluster.py has a real one."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import threading
import time
from concurrent.futures import CancelledError

import pytest

from harness.config.options import RunConfig, make_config
from harness.coordinator.executors import connection, submission
from harness.coordinator.executors.dask import dask_executor
from harness.coordinator.executors.job import Job, Outcome
from harness.coordinator.executors.order import Delivery
from harness.coordinator.executors.parcel import Parcel
from harness.errors import UsageError
from harness.protocol.events import Failed, Measured, Prepared, Progress, Trained
from harness.protocol.requests import MetricPlace
from harness.subjects import PluginLocation, Trial

pytest.importorskip("distributed")

TRAINED = Trained(versions={}, metrics={}, layers=[], history=[])
NODES = {
    "tcp://a:1": {"nthreads": 1, "resources": {}},
    "tcp://b:1": {"nthreads": 2, "resources": {}},
}


def parcel(content):
    return Parcel(content, hashlib.sha256(content).hexdigest())


def delivered(address="tcp://a:1", state=b"weights"):
    files = {"state": parcel(state), "predictions": None, "log": parcel(b"printed")}
    return Delivery(address, Outcome(TRAINED, node={"name": "a"}), files)


class FakeFuture:
    status = "finished"

    def __init__(self, answer):
        self._answer = answer
        if isinstance(answer, Exception):
            self.status = "cancelled" if isinstance(answer, CancelledError) else "error"

    def add_done_callback(self, call):
        if self._answer is not None:
            call(self)

    def result(self, timeout=None):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Cluster:
    """Answers tasks with `answers` in turn, None being never; `versions` is what is wrong with nodes."""

    def __init__(self):
        self.answers, self.versions, self.nodes = [], {}, NODES
        self.submitted, self.orders, self.clients, self.down = [], [], 0, 0
        self.waits = threading.Event()

    def client(self, address, timeout, name):
        if self.down:
            self.down -= 1
            raise OSError("refused\nat great length")
        self.clients += 1
        return FakeClient(self)


class FakeClient:
    def __init__(self, cluster):
        self._cluster, self.status, self._heard = cluster, "running", None

    def subscribe_topic(self, topic, handler):
        self._heard = handler

    def scheduler_info(self, n_workers):
        return {"workers": self._cluster.nodes}

    def run(self, function, *arguments, on_error):
        return {node: self._cluster.versions.get(node, "") for node in self._cluster.nodes}

    def submit(self, function, *arguments, key, **options):
        self._cluster.submitted.append(options)
        self._cluster.orders.append(arguments[0])
        self._heard((0.0, {"key": key, "progress": {"stage": "train", "node": "a"}, "worker": "w"}))
        answer = self._cluster.answers.pop(0)
        if isinstance(answer, CancelledError):
            self.status = "closed"
        if answer is None:
            self._cluster.waits.set()
        return FakeFuture(answer)

    def cancel(self, futures):
        pass

    def close(self, timeout):
        self.status = "closed"


@pytest.fixture
def cluster(monkeypatch):
    found = Cluster()
    monkeypatch.setattr("distributed.Client", found.client)
    return found


@pytest.fixture
def start(tmp_path, heard):
    """An executor on the cluster."""
    (tmp_path / "arrays").write_bytes(b"data")
    data = Prepared(path=str(tmp_path / "arrays"), facts={})

    def make(device="cpu", **options):
        config = make_config(
            RunConfig,
            {"plugins": ("p",), "executor": "dask", "scheduler": "tcp://s:1", **options},
        )
        return dask_executor(config, data, device, 2, heard, "carry on with: this")

    return make


@pytest.fixture
def job(tmp_path, make_plugin, make_row):
    trial = Trial(row=make_row(plugin="p"), seed=0)
    return Job(
        make_plugin("p"), trial, *(tmp_path / name for name in ("log", "state", "predictions"))
    )


def run(executor, job):
    return executor.run(job, lambda _: None)


def ended(executor, job):
    """A trial that the command gives up."""
    with pytest.raises(submission.Stopped):
        run(executor, job)


def until(true):
    """Waits for what another thread does."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_node_sends_back_is_written_here_and_its_place_is_kept(cluster, start, job):
    cluster.answers = [delivered()]
    told = []
    with start() as executor:
        outcome = executor.run(job, told.append)
        assert executor.slots == 3
    assert (outcome.event, outcome.node) == (TRAINED, {"name": "a"})
    assert job.state.read_bytes() == b"weights"
    assert job.log.read_bytes() == b"printed"
    assert not job.predictions.exists()
    assert told == [Progress(stage="train", node="a")]
    assert cluster.submitted == [{**cluster.submitted[0], "workers": None, "resources": None}]


@pytest.mark.parametrize("name", ["distributed", "distributed.client", "asyncio"])
def test_dask_prints_nothing_of_its_own(cluster, start, name):
    """Its loggers have levels of their own: that of their parent does not hush them."""
    logging.getLogger(name).setLevel(logging.WARNING)
    with start():
        assert not logging.getLogger(name).isEnabledFor(logging.ERROR)


def test_a_node_that_refuses_is_named_once_and_left_out(cluster, start, job, heard):
    refused = Delivery("tcp://b:1", refused="it has another version")
    cluster.answers = [refused, delivered(), delivered()]
    with start() as executor:
        run(executor, job)
        run(executor, job)
    assert heard.messages == ["node tcp://b:1 is left out: it has another version"]
    assert [options["workers"] for options in cluster.submitted] == [
        None, ["tcp://a:1"], ["tcp://a:1"],
    ]  # fmt: skip


def test_where_every_node_is_of_another_version_nothing_is_submitted(
    cluster, start, make_plugin, heard
):
    cluster.versions = {"tcp://a:1": "it is old", "tcp://b:1": ImportError("no module harness")}
    with (
        start() as executor,
        pytest.raises(
            UsageError, match=r"^no node can take part: node tcp://a:1 is left out: it is old$"
        ),
    ):
        executor.check([make_plugin("p")])
    assert cluster.submitted == []
    assert len(heard.messages) == 2


def test_what_arrives_damaged_is_asked_for_again_and_never_kept(cluster, start, job):
    good = delivered()
    bad = dataclasses.replace(
        good, files={**good.files, "state": dataclasses.replace(parcel(b"w"), content=b"x")}
    )
    cluster.answers = [bad, good, bad, bad, bad]
    with start() as executor:
        assert run(executor, job).event == TRAINED
        assert job.state.read_bytes() == b"weights"
        job.state.unlink()
        event = run(executor, job).event
    assert (event.status, event.reason) == ("crashed", "state came back damaged, 3 times")
    assert not job.state.exists()


def test_a_scheduler_that_comes_back_is_given_the_trial_again(cluster, start, job, heard):
    cluster.answers = [CancelledError(), delivered()]
    with start() as executor:
        assert run(executor, job).event == TRAINED
    assert cluster.clients == 2
    assert heard.messages == [
        "lost the scheduler at tcp://s:1: waiting for it", "found the scheduler at tcp://s:1 again",
    ]  # fmt: skip


def test_a_scheduler_that_stays_away_ends_the_command_with_the_way_on(
    cluster, start, job, monkeypatch
):
    monkeypatch.setattr(connection, "SCHEDULER_SECONDS", 0.0)
    cluster.answers = [CancelledError()]
    with start() as executor:
        cluster.down = 5
        with pytest.raises(UsageError, match=r"no scheduler answers at tcp://s:1 .*carry on with"):
            run(executor, job)


def test_no_scheduler_is_one_line(cluster, start):
    cluster.down = 1
    with (
        pytest.raises(
            UsageError, match=r"^no scheduler answers at tcp://s:1 \(refused\): start it"
        ),
        start(),
    ):
        pass


def test_a_task_that_raises_is_a_failure_of_the_trial(cluster, start, job):
    cluster.answers = [RuntimeError("the node died of it\nmore")]
    with start() as executor:
        event = run(executor, job).event
    assert (event.status, event.reason) == ("crashed", "RuntimeError: the node died of it")


def test_a_command_that_ends_waits_for_no_node(cluster, start, job):
    cluster.answers = [None]
    with start() as executor:
        failed = []

        def work():
            try:
                run(executor, job)
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert cluster.waits.wait(60)
        executor.stop()
        thread.join(60)
    assert not thread.is_alive()
    assert len(failed) == 1


def test_trials_on_a_gpu_ask_for_one(cluster, start, job):
    with pytest.raises(UsageError, match="offers a GPU: start nodes with --resources 'GPU=1'"):
        start(device="cuda").__enter__()
    cluster.nodes = {"tcp://a:1": {"nthreads": 4, "resources": {"GPU": 1}}}
    cluster.answers = [delivered()]
    with start(device="cuda") as executor:
        run(executor, job)
    assert cluster.submitted[0]["resources"] == {"GPU": 1}


def test_a_cluster_without_nodes_is_waited_for(cluster, start, heard):
    cluster.nodes = {}
    with start():
        pass
    assert heard.messages == ["no node has joined tcp://s:1 yet: waiting for one"]


@pytest.fixture
def impatient(monkeypatch):
    """Whoever waits looks after the nodes all the time."""
    monkeypatch.setattr(submission, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr("harness.coordinator.executors.roster._FRESH_SECONDS", 0.0)


@pytest.mark.usefixtures("impatient")
def test_that_the_last_node_has_gone_and_that_one_came_is_said_once(cluster, start, job, heard):
    gone, back = "no node is left at tcp://s:1: waiting for one", "a node has joined tcp://s:1"
    cluster.answers = [None]
    with start() as executor:
        thread = threading.Thread(target=ended, args=(executor, job))
        thread.start()
        assert cluster.waits.wait(60)
        cluster.nodes = {}
        until(lambda: heard.messages == [gone])
        cluster.nodes = NODES
        until(lambda: heard.messages == [gone, back])
        executor.stop()
        thread.join(60)
    assert not thread.is_alive()


@pytest.mark.usefixtures("impatient")
def test_a_trial_for_nodes_that_have_gone_is_handed_to_others(cluster, start, job):
    """Of two nodes one is refused, and the other is replaced: dask would wait for it for ever."""
    cluster.answers = [Delivery("tcp://b:1", refused="it is old"), None, delivered("tcp://c:1")]
    with start() as executor:
        thread = threading.Thread(target=lambda: run(executor, job))
        thread.start()
        assert cluster.waits.wait(60)
        cluster.nodes = {"tcp://b:1": NODES["tcp://b:1"], "tcp://c:1": NODES["tcp://a:1"]}
        thread.join(60)
    assert not thread.is_alive()
    assert job.state.read_bytes() == b"weights"
    assert [each["workers"] for each in cluster.submitted] == [None, ["tcp://a:1"], ["tcp://c:1"]]


def test_what_metrics_need_travels_and_is_written_where_they_look(cluster, start, job, tmp_path):
    metric = tmp_path / "mine.py"
    metric.write_text("content")
    place = PluginLocation("mine", file=str(metric))
    evidence = tmp_path / "evidence"
    asked = {"evidence": str(evidence), "changed": (MetricPlace(place=place, name="m"),)}
    good = delivered()
    cluster.answers = [
        dataclasses.replace(good, files={**good.files, "evidence": parcel(b"scores")})
    ]
    with start() as executor:
        run(executor, dataclasses.replace(job, asked=asked))
    assert evidence.read_bytes() == b"scores"
    assert cluster.orders[0].evidence.sources == {str(metric): b"content"}


@pytest.mark.parametrize(
    "found",
    [Measured(metrics={}, facts={"reload": "same"}), Failed(status="invalid", reason="other")],
)
def test_a_network_is_loaded_again_where_it_was_trained(cluster, start, job, found):
    with start() as executor:
        assert executor.reload(job, Outcome(TRAINED, reload=found)) == found
        missing = executor.reload(job, Outcome(TRAINED))
    assert (missing.status, cluster.submitted) == ("crashed", [])


def test_a_plugin_with_an_environment_of_its_own_is_refused(cluster, start, make_plugin):
    plugin = make_plugin("p", pinned="1.0", interpreter="/env/bin/python")
    with (
        start() as executor,
        pytest.raises(UsageError, match=r"^p@1\.0 has an environment of its own"),
    ):
        executor.check([plugin])
