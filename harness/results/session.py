"""A session: one command at work on a run, with the machine and the code that it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from harness.protocol.events import DeclaredMetric
from harness.results.reading import Amount, Number, Tree
from harness.subjects import Data


class Session(Data):
    """What run.json keeps of one command; the records name it by its place in the list.

    `config` is what was asked, `folder` where: relative to the run's own, for the relative paths in
    `config`. `host` and `plugins` hold a `digest` of the sources and versions (the host's, that of torch),
    `metrics` the declarations of its metrics by hook, `data` the digests of the task's files (of several
    tasks, by their names), `files` those of the files that parameters name: a run is carried on only where
    they are the same. A plugin's `description` is the first line of its module. `planned` is the number of
    trials of its plan, None where that is not known; `rows` are the keys of the plan's rows, in its order,
    those of other parts (`--shard`) too. `wall_seconds` is how long each part took, `merged_from` the
    folder from which `harness merge`, or a report of several runs, took it.
    """

    command: str = ""
    started: str = ""
    config: dict[str, Tree] = {}
    folder: str = ""
    jobs: Annotated[int, Field(ge=0, lt=2**31)] = 1
    planned: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    rows: tuple[str, ...] = ()
    host: dict[str, str] = {}
    plugins: dict[str, dict[str, str]] = {}
    metrics: tuple[DeclaredMetric, ...] = ()
    data: dict[str, Tree] = {}
    files: dict[str, str] = {}
    environment: dict[str, Tree] = {}
    load_average: Number | None = None
    wall_seconds: dict[str, Amount] = {}
    merged_from: str = ""

    def data_of(self, task: str) -> Mapping[str, Tree]:
        """What is known of the data of `task`: of several tasks, `data` has each by its name."""
        own = self.data.get(task)
        return own if isinstance(own, Mapping) and "digest" in own else self.data


def data_of(sessions: Sequence[Session], task: str) -> Mapping[str, Tree]:
    """What the latest session that knows the data of `task` says of them; empty where none does."""
    return next((data for s in reversed(sessions) if (data := s.data_of(task))), {})


def changes(before: Session, now: Session) -> list[str]:
    """What differs between two sessions that a result may depend on, each in half a sentence.

    Data that are not known yet are not compared.
    """
    differences = []
    if before.host != now.host:
        differences.append(f"the host ({_code_text(before.host)}, now {_code_text(now.host)})")
    for name, then in before.plugins.items():
        current = now.plugins.get(name)
        if current is None:
            differences.append(f"plugin {name} (no longer found)")
        elif _code(current) != _code(then):
            differences.append(f"plugin {name} ({_code_text(then)}, now {_code_text(current)})")
    for name, digest in before.files.items():
        current_digest = now.files.get(name, "")
        if not current_digest:
            differences.append(f"{name} (not found: carry on from the folder that holds it)")
        elif current_digest != digest:
            differences.append(f"{name} ({digest[:8]}, now {current_digest[:8]})")
    if now.data and before.data != now.data:
        differences.append("the task's data")
    odd = [m.name for m in now.metrics if m not in before.metrics]
    odd += [m.name for m in before.metrics if m not in now.metrics]
    if now.data and odd:
        names = ", ".join(dict.fromkeys(odd))
        differences.append(f"the metrics by hook ({names})")
    return differences


def _code(facts: dict[str, str]) -> dict[str, str]:
    """What a plugin's results depend on: its description is in the digest, too."""
    return {name: value for name, value in facts.items() if name != "description"}


def _code_text(facts: dict[str, str]) -> str:
    torch = f"torch {facts['torch']}" if facts.get("torch") else ""
    parts = (facts.get("version", ""), facts.get("digest", "")[:8], torch)
    return " ".join(filter(None, parts)) or "unknown"
