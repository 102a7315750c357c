"""Names of rows for people, made last: nothing parses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.subjects import Contender, LayerRow, Row

#: Fields that every label names where rows differ in them.
_ALWAYS = ("task", "preset", "device", "threads")


def labels(rows: Sequence[Contender]) -> list[str]:
    """A name for each of `rows`: the plugin, its swept parameters, and what else rows differ in.

    Where two rows would still have one name, their versions, other parameters and digests are added
    until they have two.
    """
    varying = [name for name in _ALWAYS if len({str(getattr(r, name, "")) for r in rows}) > 1]
    made = [_join(row.plugin, {**_fields(row, varying), **_chosen(row)}) for row in rows]
    for tell in (_version, _parameters, _layer, _digest):
        made = _told_apart(rows, made, tell)
    return made


def _told_apart(
    rows: Sequence[Contender],
    made: Sequence[str],
    tell: Callable[[Contender, Sequence[Contender]], Mapping[str, object]],
) -> list[str]:
    """`made`, with what `tell` says of each row whose name another row has too."""
    counts = Counter(made)
    result = []
    for row, name in zip(rows, made, strict=True):
        if counts[name] > 1:
            alike = [other for other, theirs in zip(rows, made, strict=True) if theirs == name]
            name = _join(name, tell(row, alike))
        result.append(name)
    return result


def _join(name: str, fields: Mapping[str, object]) -> str:
    return " ".join([name, *(f"{key}={value}" for key, value in fields.items())])


def _fields(row: Contender, names: Iterable[str]) -> dict[str, object]:
    return {name: getattr(row, name) for name in names if hasattr(row, name)}


def _chosen(row: Contender) -> dict[str, object]:
    """What the command gave several values of."""
    if isinstance(row, Row):
        return dict(row.swept)
    if isinstance(row, LayerRow):
        return {"neurons": row.size.neurons, "density": f"{row.size.density:g}"}
    return {}


def _version(row: Contender, alike: Sequence[Contender]) -> dict[str, object]:
    if len({other.framework_version for other in alike}) == 1:
        return {}
    return {row.framework: row.framework_version}


def _parameters(row: Contender, alike: Sequence[Contender]) -> dict[str, object]:
    if not isinstance(row, Row):
        return {}
    others = [other.params for other in alike if isinstance(other, Row)]
    differing = [
        name
        for name in row.params
        if any(other.get(name) != row.params[name] for other in others) and name not in row.swept
    ]
    return {name: row.params[name] for name in differing}


def _layer(row: Contender, alike: Sequence[Contender]) -> dict[str, object]:
    """In which of the batch, the steps and the neuron's fields layers of one size differ."""
    if not isinstance(row, LayerRow):
        return {}
    others = [other for other in alike if isinstance(other, LayerRow)]
    fields = {"batch": row.size.batch, "steps": row.size.steps, **vars(row.neuron)}
    return {
        name: value
        for name, value in fields.items()
        if any({**vars(o.neuron), **o.size.model_dump()}[name] != value for o in others)
    }


def _digest(row: Contender, alike: Sequence[Contender]) -> dict[str, object]:
    if len({other.digest for other in alike}) == 1:
        return {}
    return {"code": row.digest[:8]}
