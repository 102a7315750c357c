"""A run in MLflow: `harness.log_mlflow`. One run of MLflow for each row, under one for the whole."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from harness.errors import UsageError
from harness.results.frame import INTERVAL, summary_line
from harness.results.reading import is_number
from harness.results.session import Session
from harness.results.store import COMMANDS
from harness.results.summary import Summary
from harness.runs.folders import check_links
from harness.runs.run import Run, load
from harness.subjects import Row

EXPERIMENT = "snn-harness"
_MISSING = "--to mlflow needs mlflow: pip install 'snn-harness[mlflow]'"
#: What MLflow takes in one call, of a value, and in a name.
_PARAMS, _METRICS, _LONGEST = 100, 1000, 500
_MACHINE = ("cpu", "cores", "memory_bytes", "gpus", "platform", "python", "dirty")
_ODD = re.compile(r"[^\w\-. /]", re.ASCII)
#: Files of a run that are kept with it.
_FILES = ("report.html", "report.md", "summary.csv", "run.json")
#: A server that does not answer is told of at once, where MLflow would try for minutes.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def log_mlflow(
    run: str | Path | Run, *, tracking_uri: str | None = None, experiment: str = EXPERIMENT
) -> str:
    """Logs a run to MLflow, and returns the id of the parent run there: as `harness log --to mlflow`.

    The parent has the command's options as parameters, machine and commit as tags, and the page as an
    artifact. Every row is a run below it: its parameters, and its metrics, each with `_low` and `_high`
    where it has an interval. `tracking_uri` is a database or a server; MLflow's own setting if
    None. UsageError where MLflow is not installed, or the store cannot be reached.
    """
    run = run if isinstance(run, Run) else load(run)
    check_links(run.path)  # else somebody's own file could be sent to a server in place of the page
    with _quiet():
        mlflow = _mlflow()
    with _reaching(tracking_uri or mlflow.get_tracking_uri()):
        client = mlflow.MlflowClient(tracking_uri=tracking_uri)
        known = client.get_experiment_by_name(experiment)
        place = known.experiment_id if known else client.create_experiment(experiment)
        session = next(iter(reversed(run.sessions)), Session())
        parent = _created(client, place, run.path.absolute().name, _tags(run, session), session)
        _log(client, parent, _texts(session.config), {})
        for name in _FILES:
            if (run.path / name).is_file():
                client.log_artifact(parent, str(run.path / name))
        for row in run.rows:
            tags = {"mlflow.parentRunId": parent, **_row_tags(row)}
            child = _created(client, place, row.label, tags, session)
            _log(client, child, _params(row), _metrics(row))
            client.set_terminated(child, "FINISHED" if _finished(row) else "FAILED")
        client.set_terminated(parent, "FINISHED")
    return str(parent)


def _mlflow() -> Any:
    try:
        import mlflow
    except ImportError:
        raise UsageError(_MISSING) from None
    return mlflow


def _created(
    client: Any, experiment: str, name: str, tags: Mapping[str, str], session: Session
) -> str:
    # Without a length that every store takes, one long reason would end it all.
    cut = {key: value[:_LONGEST] for key, value in tags.items() if value}
    try:
        started = int(datetime.fromisoformat(session.started).timestamp() * 1000)
    except ValueError:
        started = int(datetime.now(UTC).timestamp() * 1000)
    made = client.create_run(experiment, start_time=started, tags=cut, run_name=name[:250])
    return str(made.info.run_id)


def _log(client: Any, run: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    from mlflow.entities import Metric, Param

    now = int(datetime.now(UTC).timestamp() * 1000)
    texts = [Param(_ODD.sub("_", name), text[:_LONGEST]) for name, text in params.items()]
    values = [Metric(_ODD.sub("_", name), value, now, 0) for name, value in metrics.items()]
    for start in range(0, len(texts), _PARAMS):
        client.log_batch(run, params=texts[start : start + _PARAMS])
    for start in range(0, len(values), _METRICS):
        client.log_batch(run, metrics=values[start : start + _METRICS])


def _texts(tree: Mapping[str, Any]) -> dict[str, str]:
    """The options of a command as texts, without those that were left alone."""
    return {
        name: ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        for name, value in tree.items()
        if value not in (None, "", [], (), {})
    }


def _tags(run: Run, session: Session) -> dict[str, str]:
    environment = session.environment
    machine = _texts({name: environment.get(name) for name in _MACHINE})
    packages = environment.get("packages")
    versions = packages if isinstance(packages, Mapping) else {}
    return {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": COMMANDS[run.kind],
        "mlflow.source.git.commit": str(environment.get("commit", "")),
        "harness.command": session.command,
        "harness.started": session.started,
        "harness.version": session.host.get("version", ""),
        "harness.digest": session.host.get("digest", ""),
        **{f"harness.{name}": text for name, text in machine.items()},
        **{f"package.{_ODD.sub('_', name)}": str(version) for name, version in versions.items()},
    }


def _row_tags(row: Summary) -> dict[str, str]:
    asked = row.row
    records = [*row.trials, *([row.timing] if row.timing else [])]
    reasons = [record.reason for record in records if record.reason]
    line = summary_line(row)
    words = {name: str(value) for name, value in line.items() if not is_number(value)}
    texts = {
        n: text for n, text in words.items() if n.endswith(INTERVAL[2]) or n.startswith("versus.")
    }
    return {
        "harness.framework": f"{asked.framework} {asked.framework_version}".strip(),
        "harness.digest": asked.digest,
        "harness.refuted": row.refuted,
        "harness.warnings": "; ".join(row.warnings.values()),
        "harness.reasons": "; ".join(dict.fromkeys(reasons)),
        **{_ODD.sub("_", f"harness.{name}"): text for name, text in texts.items()},
    }


def _params(row: Summary) -> dict[str, str]:
    """What decides the row; a parameter that is called as one of its fields is `params.NAME`."""
    asked = row.row
    own = {"plugin": asked.contender, "device": asked.device, "threads": str(asked.threads)}
    if isinstance(asked, Row):
        own |= {"task": asked.task, "preset": asked.preset, **_texts({"limit": asked.limit})}
        own["seeds"] = ", ".join(str(trial.seed) for trial in row.trials)
        given: Mapping[str, Any] = asked.params
    else:
        given = {**asked.size.model_dump(), **vars(asked.neuron)}
    named = {f"params.{name}" if name in own else name: str(value) for name, value in given.items()}
    return own | named


def _metrics(row: Summary) -> dict[str, float]:
    """Every number of the row, by the names of `Run.summary`."""
    known = set(_params(row)) | {"seeds"}
    return {
        name: float(value)
        for name, value in summary_line(row).items()
        if is_number(value) and name not in known and not name.startswith("swept.")
    }


def _finished(row: Summary) -> bool:
    statuses = {record.status for record in (*row.trials, *([row.timing] if row.timing else []))}
    return not row.refuted and statuses <= {"ok", "skipped"}


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow, and the libraries below it, neither warn nor print; a server has little time to answer."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.update({name: value for name, value in _SETTINGS.items() if before[name] is None})
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


@contextmanager
def _reaching(store: str) -> Iterator[None]:
    """Whatever goes wrong with the store is one line."""
    try:
        with _quiet():
            yield
    except Exception as error:  # stores raise what their libraries do
        reason = str(error).strip().partition("\n")[0][:300] or type(error).__name__
        shown = _without_password(store)
        reason = reason.replace(store, shown)
        raise UsageError(f"cannot log to {shown}: {reason}; is --tracking-uri right?") from None


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))
