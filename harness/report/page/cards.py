"""A card for each row: what it is, its numbers, parameters and layers, the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import fmean

from harness.catalogue.tasks import split_tasks
from harness.plugin.contract import Value
from harness.report.content import Pairs
from harness.report.looks import Look
from harness.report.numbers import grouped, listed, plain, show
from harness.report.page.named import NamedValues, named_values
from harness.report.rows import NetworkRow, shown_metrics
from harness.report.sources import cited
from harness.report.variants import of_row
from harness.results.metrics import METRICS
from harness.results.record import TrialRecord
from harness.results.session import Session
from harness.results.summary import Cell

#: Of a log, the last lines are shown, and of these the last characters.
LOG_LINES, LOG_CHARACTERS = 25, 3000
#: The columns of a layer's activity.
OF_LAYERS = (
    "activation_sparsity", "spikes_per_sample", "synops_ac", "synops_mac", "synops_effective",
    "energy_modelled_nj",
)  # fmt: skip


@dataclass(frozen=True)
class RowCard:
    """What a row's card shows; `number` is the row's place in the table, from 0.

    `link` is the address of the source, `logs` are (which, status and reason, the log's last lines).
    """

    number: int
    name: str
    look: Look
    about: Pairs
    link: str = ""
    command: str = ""
    numbers: Pairs = ()
    named: Sequence[NamedValues] = ()
    variants: Pairs = ()
    parameters: Pairs = ()
    layer_titles: Sequence[str] = ()
    layers: Sequence[Sequence[str]] = ()
    logs: Sequence[tuple[str, str, str]] = ()
    confusion: bool = False
    versions: Pairs = field(default=())


def row_cards(
    rows: Sequence[NetworkRow],
    sessions: Sequence[Session],
    confusions: Sequence[str] = (),
    folder: Path | None = None,
    names: Sequence[str] = (),
) -> list[RowCard]:
    """The cards in the order of the table; `confusions` names the rows whose predictions were kept.

    `names` are those of the classes.
    """
    metrics = shown_metrics(rows)
    cards = []
    for number, row in enumerate(rows):
        source = cited(row)
        versions = next((trial.versions for trial in row.trials if trial.versions), {})
        titles, layers = _layers(row)
        cards.append(
            RowCard(
                number=number,
                name=row.name,
                look=row.look,
                about=list(_about(row, sessions)),
                link=source.url
                if source and source.url.startswith(("https://", "http://"))
                else "",
                command=command(row, sessions),
                numbers=[
                    (metric.title, str(show(row.cells[metric.name], metric.name)))
                    for metric in metrics
                    if row.has(metric.name)
                ],
                named=named_values(row, names),
                variants=of_row(row),
                parameters=_parameters(row),
                layer_titles=titles,
                layers=layers,
                logs=list(_logs(row.tried, folder)),
                confusion=row.name in confusions,
                versions=[(plain(name), plain(value)) for name, value in versions.items()],
            )
        )
    return cards


def command(row: NetworkRow, sessions: Sequence[Session]) -> str:
    """The command that trains and measures this row alone, as far as the records know."""
    asked = row.row
    places = [trial.session for trial in row.tried if trial.session < len(sessions)]
    session = sessions[places[0]] if places else Session()
    config = session.config
    # A plugin that is a file was named by its path, which only the session knows.
    files = (plugin for plugin in _listed(config.get("plugins")) if plugin.endswith(".py"))
    plugin = next((file for file in files if Path(file).stem == asked.plugin), asked.plugin)
    task = _task(session, asked.task)
    words = ["harness", "run", "--plugins", plugin, "--task", task, "--preset", asked.preset]
    given = _given(config.get("params"), asked.plugin)
    changed = {name: _as_given(value, given.get(name, ())) for name, value in asked.swept.items()}
    changed |= {n: each[0] for n, each in given.items() if n not in changed and len(each) == 1}
    for name, value in changed.items():
        words += ["--set", f"{asked.plugin}.{name}={value}"]
    words += ["--seeds", ",".join(map(str, sorted({trial.seed for trial in row.tried})))]
    words += ["--device", asked.device, "--threads", str(asked.threads)]
    return shlex.join(map(plain, words))


def _task(session: Session, task: str) -> str:
    """How the command asked for `task`, of whose file only the session knows."""
    asked = split_tasks(str(session.config.get("task") or task))
    names = [task] if len(asked) == 1 else list(session.data)
    return dict(zip(names, asked)).get(task, task)


def _given(params: object, plugin: str) -> dict[str, list[object]]:
    """The values that the command gave to the parameters of `plugin`, by its name or a pattern."""
    given: dict[str, list[object]] = {}
    for pattern, chosen in params.items() if isinstance(params, dict) else ():
        if fnmatchcase(plugin, pattern) and isinstance(chosen, dict):
            for name, values in chosen.items():
                given[name] = values if isinstance(values, list) else [values]
    return given


def _as_given(value: Value, given: Sequence[object]) -> object:
    """A swept value as the command had it: rows name a file by its content, without its folder."""
    name = str(value).rpartition("@")[0]
    return next((text for text in given if name and Path(str(text)).name == name), value)


def _listed(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else []


def _about(row: NetworkRow, sessions: Sequence[Session]) -> Iterator[tuple[str, str]]:
    asked = row.row
    if description := _description(row, sessions):
        yield "Description", description
    framework = " ".join(map(plain, filter(None, (asked.framework, asked.framework_version))))
    yield "Plugin", f"{plain(asked.plugin)}, built on {framework}"
    yield "Task and preset", f"{plain(asked.task)}, {plain(asked.preset)}"
    if row.family[0]:
        yield "Network", f"{plain(row.family[0])}: the same as other rows of this family train"
    threads = f"{asked.threads} thread{'' if asked.threads == 1 else 's'}"
    yield "Device", f"{plain(asked.device)}, {threads}"
    seeds = [f"{trial.seed}" for trial in row.trials]
    yield "Seeds", listed(seeds) if seeds else "none succeeded"
    if source := cited(row):
        yield "Source", plain(source.citation)
        if source.where:
            yield "Where", plain(source.where)
        for sentence in source.departures:
            yield "Otherwise", plain(sentence)
        for sentence in source.mended:
            yield "Mended", plain(sentence)
    if asked.digest:
        yield "Code", f"sha256 {plain(asked.digest)[:12]}"


def _description(row: NetworkRow, sessions: Sequence[Session]) -> str:
    """What the plugin says that it is, as the row's latest session knows it."""
    for place in sorted({trial.session for trial in row.tried}, reverse=True):
        if place < len(sessions):
            return plain(sessions[place].plugins.get(row.row.contender, {}).get("description", ""))
    return ""


def _parameters(row: NetworkRow) -> list[tuple[str, str]]:
    """The parameters, and the means of the plugin's own numbers."""
    pairs = [(plain(name), plain(value)) for name, value in row.settings.items()]
    scalars = grouped(pair for trial in row.trials for pair in trial.scalars.items())
    for name, values in scalars.items():
        mean = f"{fmean(values):.4g}"
        pairs.append((f"{plain(name)} (reported by the plugin)", mean))
    return pairs


def _layers(row: NetworkRow) -> tuple[list[str], list[list[str]]]:
    """The titles and lines of a table of the network's layers, means over the seeds."""
    by_layer = grouped(
        ((plain(layer.get("name", "")), metric), float(layer[metric]))
        for trial in row.trials
        for layer in trial.layers
        for metric in OF_LAYERS
        if isinstance(layer.get(metric), (int, float))
    )
    used = [metric for metric in OF_LAYERS if any(name == metric for _, name in by_layer)]
    lines = []
    for layer in dict.fromkeys(layer for layer, _ in by_layer):
        cells = [by_layer.get((layer, metric)) for metric in used]
        means = [Cell(fmean(values)) if values else None for values in cells]
        texts = [show(mean, metric).value for mean, metric in zip(means, used, strict=True)]
        lines.append([layer, *texts])
    return ["Layer", *(METRICS[metric].title for metric in used)], lines


def _logs(trials: Sequence[TrialRecord], folder: Path | None) -> Iterator[tuple[str, str, str]]:
    """What became of each trial that failed; the log of the first of equal ones."""
    groups = grouped(
        ((trial.status, plain(trial.reason)), trial) for trial in trials if trial.status != "ok"
    )
    for (status, reason), members in groups.items():
        seeds = listed(trial.seed for trial in members)
        yield f"Seed {seeds}", f"{status}: {reason}", _tail(folder, members[0].log)


def _tail(folder: Path | None, log: str) -> str:
    """The last lines of a log inside the run's folder; empty where it cannot be read."""
    if folder is None or not log:
        return ""
    try:
        path = (folder / log).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4 * LOG_CHARACTERS))
            text = file.read().decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
    lines = [plain(line) for line in text.splitlines()[-LOG_LINES:]]
    return "\n".join(lines)[-LOG_CHARACTERS:]
