"""Records as tables: one line for each trial or layer, and one for each row of the comparison.

A metric that was not measured is absent from a line (NaN in a frame, an empty cell in a CSV file).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.results.metrics import METRICS, REGISTRY
from harness.results.record import LayerTiming, NetworkTiming, Record, TrialRecord, latest
from harness.results.summary import Summary, summarise
from harness.subjects import LayerRow, Row

if TYPE_CHECKING:
    import pandas as pd

Line = dict[str, Any]

#: What the columns of a metric's interval add to its name: both ends, and where it comes from.
INTERVAL = ("_low", "_high", "_interval")

_IDENTITY = ("plugin", "framework", "framework_version", "digest")


def records_frame(records: Iterable[Record]) -> pd.DataFrame:
    """One line for each trial, its measurement merged in, or for each layer; lists stay lists.

    Nested metrics, parameters, facts and the plugin's scalars have dotted names (`latency_ms.median`,
    `params.hidden`, `facts.reload`, `scalars.scale1`), so that no name of a plugin's is one of the host's;
    layers and histories stay in the records.
    """
    import pandas as pd

    every = latest(list(records))
    labels = {s.row.key: s.label for s in summarise(every)}
    lines: dict[str, Line] = {}
    for record in every:
        if not isinstance(record, (TrialRecord, NetworkTiming, LayerTiming)):
            continue
        line = lines.setdefault(record.key, {"key": record.key, "label": labels[record.row.key]})
        line |= _identity(record.row)
        outcome = {"status": record.status, "reason": record.reason}
        if isinstance(record, NetworkTiming):
            outcome = {f"timing_{name}": value for name, value in outcome.items()}
        line |= outcome | _metrics(record)
        if isinstance(record, TrialRecord):
            line |= {"seed": record.seed, "started": record.started, "seconds": record.seconds}
            line |= _flat({"scalars": record.scalars, "params": record.row.params})
        if record.facts:
            line |= _flat({"facts": record.facts})
    return pd.DataFrame(list(lines.values()))


def summary_frame(rows: Sequence[Summary]) -> pd.DataFrame:
    """One line for each row: each metric of the registry, with `_low` and `_high` where it has them."""
    import pandas as pd

    lines = [summary_line(row) for row in rows]
    return pd.DataFrame(lines, columns=summary_columns(rows))


def summary_columns(rows: Sequence[Summary]) -> list[str]:
    """The columns of the summary: what a row is, the registry's metrics, references, comparisons.

    Each is there if some row has it; a label always.
    """
    parts = [_parts(row) for row in rows]
    heads, metrics, tails = (dict.fromkeys(n for p in parts for n in p[i]) for i in range(3))
    ordered = [f"{m.name}{end}" for m in REGISTRY for end in ("", *INTERVAL)]
    return [*(heads or {"label": None}), *(name for name in ordered if name in metrics), *tails]


def summary_line(summary: Summary) -> Line:
    """A row as one flat mapping, its metrics in the order of the registry."""
    head, metrics, tail = _parts(summary)
    return head | metrics | tail


def _parts(summary: Summary) -> tuple[Line, Line, Line]:
    """What the row is, its metrics, and what else is known of it."""
    line: Line = {"label": summary.label, **_identity(summary.row)}
    if isinstance(summary.row, Row):
        ok = summary.ok
        line |= {
            "seeds": len(summary.trials),
            "seeds_ok": len(ok),
            "seeds_skipped": summary.skipped,
            "seeds_failed": len(summary.trials) - len(ok) - summary.skipped,
        }
    metrics: Line = {}
    for name, cell in summary.cells.items():
        metrics[name] = cell.value
        if cell.low is not None and cell.high is not None:
            ends = (cell.low, cell.high, cell.kind)
            metrics |= {f"{name}{end}": v for end, v in zip(INTERVAL, ends, strict=True)}
    notes = {"refuted": summary.refuted, "warnings": "; ".join(summary.warnings.values())}
    tail: Line = {name: text for name, text in notes.items() if text}
    for metric, by_name in summary.named.items():
        tail |= {f"{metric}.{name}": cell.value for name, cell in by_name.items()}
    if summary.timing is not None:
        tail |= _comparison(summary)
    return line, metrics, tail


def _comparison(summary: Summary) -> Line:
    """How the row's times compare with the baseline's: `versus.latency.ratio` and so on."""
    assert summary.timing is not None
    line: Line = {}
    for name, series in summary.timing.series.items():
        if series.noise_floor is not None:
            line[f"noise_floor.{name}"] = series.noise_floor
        if series.versus is not None:
            versus = series.versus.model_dump(exclude_none=True)
            line |= {f"versus.{name}.{part}": value for part, value in versus.items()}
    return line


def _identity(row: Row | LayerRow) -> Line:
    line = {name: getattr(row, name) for name in _IDENTITY}
    if isinstance(row, LayerRow):
        line |= row.size.model_dump() | {"beta": row.neuron.beta}
    else:
        line |= {"task": row.task, "preset": row.preset}
        line |= {f"swept.{name}": value for name, value in row.swept.items()}
    return line | {"device": row.device, "threads": row.threads}


def _metrics(record: Record) -> Line:
    """The metrics that records of its kind hold, by their names; all others under `metrics`."""
    own: Line = {}
    others: Line = {}
    for name, value in record.metrics.items():
        known = name in METRICS and record.kind in METRICS[name].of
        (own if known else others)[name] = value
    return _flat(own) | _flat({"metrics": others})


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Line:
    flat: Line = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = value
    return flat
