"""Why a plugin that is in two runs has rows that are not compared: in what they differ, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.errors import plain
from harness.results.labels import ALL_SAMPLES, VARYING
from harness.results.summary import Summary
from harness.subjects import LayerRow, Row

#: Fields of a row that no option of the command sets.
_NO_OPTION = ("data", "version")
#: Options of which several values make rows of one run.
_TOGETHER = ("task", "preset")


def why_apart(old: Sequence[Summary], new: Sequence[Summary]) -> Iterator[str]:
    """A sentence for each plugin among the rows that only the `old` and only the `new` run has.

    Of several rows of a plugin, it tells of the two that differ least.
    """
    for plugin in dict.fromkeys(summary.row.plugin for summary in old):
        differences = [
            _differences(one.row, other.row)
            for one in old
            for other in new
            if one.row.plugin == other.row.plugin == plugin
        ]
        if fewest := min(filter(None, differences), key=len, default=None):
            yield _sentence(plugin, fewest)


def _sentence(plugin: str, differing: Mapping[str, tuple[str, str]]) -> str:
    values = [
        f"{name.rpartition('.')[2]} ({then}, now {now})" for name, (then, now) in differing.items()
    ]
    return plain(
        f"{plugin} differs between the two runs in {', '.join(values)}: rows that differ in that are not "
        f"compared. {_advice(plugin, differing)}"
    )


def _advice(plugin: str, differing: Mapping[str, tuple[str, str]]) -> str:
    params = [name for name in differing if name.startswith("params.")]
    together = {*params, *_TOGETHER} >= differing.keys()
    if together and all("none" not in differing[name] for name in params):
        options = [
            f"--set {plugin}.{name.removeprefix('params.')}={','.join(values)}"
            if name in params
            else f"--{name} {','.join(values)}"
            for name, values in differing.items()
        ]
        return f"Put both into one run, as by {' '.join(options)}."
    options = [
        f"--set {plugin}.{name.removeprefix('params.')}"
        if name in params
        else name
        if name in _NO_OPTION
        else f"--{name}"
        for name in differing
    ]
    return f"Make both with the same {', '.join(options)}."


def _differences(old: Row | LayerRow, new: Row | LayerRow) -> dict[str, tuple[str, str]]:
    """What two rows of one plugin differ in, beside their code: by name, the old value and the new."""
    then, now = _fields(old), _fields(new)
    names = dict.fromkeys([*then, *now])
    pairs = {name: (then.get(name, "none"), now.get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _fields(row: Row | LayerRow) -> dict[str, str]:
    fields: dict[str, object] = {n: getattr(row, n) for n in VARYING if hasattr(row, n)}
    fields["version"] = row.pinned
    if isinstance(row, LayerRow):
        fields |= {**row.size.model_dump(), **vars(row.neuron)}
    else:
        fields["limit"] = row.limit or ALL_SAMPLES
        fields["data"] = (row.data or "")[:8]
        fields |= {f"params.{name}": value for name, value in row.params.items()}
    return {name: str(value) for name, value in fields.items() if value is not None}
