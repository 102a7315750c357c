"""The page of a folder of runs: the newest first, each with its first sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.report.layers import layer_rows
from harness.report.numbers import plain
from harness.report.page.answers import of_layers, of_networks
from harness.report.pages import render_index
from harness.report.rows import network_rows
from harness.report.words import headline
from harness.results.answers import Answers
from harness.results.ranking import rank
from harness.results.record import Record, latest
from harness.results.store import Description
from harness.results.summary import summarise
from harness.results.tasks import by_task
from harness.results.writing import replace, writing


@dataclass(frozen=True)
class Entry:
    """One run of the folder: `link` leads to its page, where it has one; `problem` says why it has none."""

    name: str
    when: str = ""
    headline: str = ""
    sentence: str = ""
    link: str = ""
    problem: str = ""


def entry(
    path: Path,
    description: Description,
    records: Sequence[Record],
    answers: Mapping[str, Answers] | None = None,
) -> Entry:
    """The entry of the run at `path`."""
    records = latest(list(records))
    summaries = summarise(records, description.sessions, answers)
    report = path / "report.html"
    return Entry(
        name=plain(path.name),
        when=plain(max((s.started for s in description.sessions), default=""))[:16].replace(
            "T", " "
        ),
        headline=headline(network_rows(summaries), records, description.sessions),
        sentence=" ".join(_answers(description, records, answers)),
        link=f"{quote(path.name)}/report.html" if report.is_file() else "",
        problem="" if report.is_file() else f"no page yet: harness report {plain(path)}",
    )


def _answers(
    description: Description, records: Sequence[Record], answers: Mapping[str, Answers] | None
) -> Iterator[str]:
    """The first answer of each task's section."""
    tasks = by_task(records)
    for task, own in tasks.items():
        rows = summarise(own, description.sessions, answers)
        layers = layer_rows(rows)
        task_answers = of_layers(layers) if layers else of_networks(network_rows(rows), rank(rows))
        yield from (f"{plain(task)}: {a}" if len(tasks) > 1 else str(a) for a in task_answers[:1])


def write_index(folder: Path, entries: Sequence[Entry]) -> Path:
    """Writes index.html into `folder`, and returns it."""
    newest = sorted(entries, key=lambda each: each.name)
    newest.sort(key=lambda each: each.when, reverse=True)
    path = folder / "index.html"
    text = render_index(folder.resolve().name, newest)
    with writing(folder):
        replace(path, text.encode("utf-8", "backslashreplace"))
    return path
