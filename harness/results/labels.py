"""Names of rows for people, made last: nothing parses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.subjects import Contender, LayerRow, Row

#: Fields that every label names where rows differ in them.
VARYING = ("task", "preset", "device", "threads", "limit")
#: What a row of no limit has.
ALL_SAMPLES = "all samples"


def labels(rows: Sequence[Contender]) -> list[str]:
    """A name for each of `rows`: the plugin, its swept parameters, and what else rows differ in.

    A parameter that was swept in one row is named in all rows of its plugin. Where two rows would still
    have one name, their versions, other parameters and digests are added until they have two.
    """
    varying = [name for name in VARYING if len({str(getattr(r, name, "")) for r in rows}) > 1]
    swept: dict[str, dict[str, object]] = {}
    for row in rows:
        swept.setdefault(row.contender, {}).update(getattr(row, "swept", {}))
    made = []
    for row in rows:
        fields = {name: getattr(row, name) for name in varying if hasattr(row, name)}
        made.append(_join(row.contender, fields | _chosen(row, swept[row.contender])))
    for aspect in (_version, _settings, _digest):
        made = _told_apart(rows, made, aspect)
    return made


def _told_apart(
    rows: Sequence[Contender],
    made: Sequence[str],
    aspect: Callable[[Contender], Mapping[str, object]],
) -> list[str]:
    """`made`, with the fields of `aspect` in which a row differs from those of the same name."""
    result = []
    for row, name in zip(rows, made, strict=True):
        alike = [aspect(other) for other, theirs in zip(rows, made) if theirs == name]
        fields = aspect(row)
        differing = [key for key in fields if any(o.get(key) != fields[key] for o in alike)]
        result.append(_join(name, {key: fields[key] for key in differing}))
    return result


def _join(name: str, fields: Mapping[str, object]) -> str:
    said = (
        ALL_SAMPLES if key == "limit" and value is None else f"{key}={value}"
        for key, value in fields.items()
    )
    return " ".join([name, *said])


def _chosen(row: Contender, swept: Iterable[str]) -> dict[str, object]:
    """What a command gave several values of: the parameters `swept`."""
    if isinstance(row, Row):
        return {**row.swept, **{name: row.params[name] for name in swept if name in row.params}}
    if isinstance(row, LayerRow):
        return {"neurons": row.size.neurons, "density": f"{row.size.density:g}"}
    return {}


def _version(row: Contender) -> dict[str, object]:
    return {row.framework: row.framework_version}


def _settings(row: Contender) -> dict[str, object]:
    """The parameters that were not swept; of a layer, the batch, the steps and the neuron's fields."""
    if isinstance(row, Row):
        return {name: value for name, value in row.params.items() if name not in row.swept}
    if isinstance(row, LayerRow):
        return {"batch": row.size.batch, "steps": row.size.steps, **vars(row.neuron)}
    return {}


def _digest(row: Contender) -> dict[str, object]:
    fields: dict[str, object] = {"code": row.digest[:8]}
    if isinstance(row, Row) and row.data:
        fields["data"] = row.data[:8]
    return fields
