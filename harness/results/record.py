"""The schema of a run's records: one JSON line for what became of one trial or one measurement."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from harness.errors import plain, wrong_value
from harness.plugin.contract import Neuron
from harness.protocol.events import Sweep
from harness.results.fields import Cited as Cited
from harness.results.fields import Count, Place
from harness.results.fields import Outliers as Outliers
from harness.results.fields import Series as Series
from harness.results.fields import Versus as Versus
from harness.results.possible import impossible
from harness.results.reading import Amount, Number, Tree, parse
from harness.subjects import Contender, Data, LayerRow, Row, Status, Trial

#: Raised when a field changes its meaning or goes; records of another version are refused, not guessed.
SCHEMA = 2

#: The version of snn-harness that reads a schema which this one refuses.
READS = {1: "snn-harness 0.1"}

#: The fact that says why a group's times are compared with another row than was asked for, or with none.
BASELINE = "baseline"


class Base(Data):
    """What every record holds.

    `session` is the place of its session in run.json. `metrics` holds what was measured and nothing
    else: absent means not measured, never 0, and `absent` says why where there is a reason to tell.
    The names of metrics are those of `harness.results.metrics`; a record with an impossible value, as an
    accuracy of 1.7, is refused. `facts` are what else is known, as what metrics were computed from.
    """

    session: Place = 0
    status: Status
    reason: str = ""
    metrics: dict[str, Tree] = {}
    absent: dict[str, str] = {}
    facts: dict[str, Tree] = {}
    started: str = ""
    seconds: Amount = 0.0
    log: str = ""

    @field_validator("metrics")
    @classmethod
    def _possible(cls, metrics: dict[str, Any]) -> dict[str, Any]:
        if reason := impossible(metrics):
            raise ValueError(reason)
        return metrics


class TrialRecord(Base):
    """What became of one trial.

    `scalars` are the plugin's own numbers of `harness_finish_training`, `layers` the metrics of each layer,
    `history` the mean of each training scalar by epoch, `raster` the steps at which the input, target and
    output neurons of a fitted spike train spike. `predictions` is the SHA-256 of the file of its
    predictions, "" where its task has none. `source` cites where its preset comes from, if that is written
    anywhere, `unused` names the parameters that have no effect beside the row's others. Trials of one
    `family` and equal parameters train one network. `stages` is how many seconds each stage took, `jobs`
    how many trials ran at once, `node` the facts of the machine of a cluster that it ran on, empty where
    that was the session's own.

    Among the `facts`: `unrecorded`, the `names` of the weights that the scores depend on and no recorded
    layer has, and their `share` of all; `silent_layers`, those that never spiked on the whole test split;
    `train_cores`, how many cores the training used, where more than it was asked to; `tied_scores`, the
    fraction of test samples whose best score several classes share;
    `random_answers`, the fraction on which two evaluations differ; `unseeded_answers`, that on which they
    do though the same seed was set before each; `reload`, "same" or how the network answers otherwise
    when it is loaded in a fresh process; `neuron`, whether it is the textbook's.
    """

    kind: Literal["trial"] = "trial"
    row: Row
    seed: Count
    scalars: dict[str, Number] = {}
    layers: list[dict[str, Tree]] = []
    history: list[dict[str, Number]] = []
    raster: dict[str, list[list[Place]]] = {}
    predictions: str = ""
    source: Cited | None = None
    family: str = ""
    unused: tuple[str, ...] = ()
    versions: dict[str, str] = {}
    jobs: Count = 1
    stages: dict[str, Amount] = {}
    node: dict[str, Tree] = {}

    @field_validator("layers")
    @classmethod
    def _layers_possible(cls, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for layer in layers:
            if not isinstance(layer.get("name"), str):
                raise ValueError("a layer has no name")
            if reason := impossible(layer):
                raise ValueError(f"layer {plain(layer['name'])}: {reason}")
        return layers

    @property
    def key(self) -> str:
        """The key of its trial."""
        return Trial(row=self.row, seed=self.seed).key


class TimingRecord(Base):
    """What became of one subject of a measurement group.

    `baseline` is the key of the row that the others of its group are compared with, `series` holds
    what was timed. The fact `baseline` says why it is another row than was asked for, or none; the fact
    `cores` how many cores the timed calls used on the CPU.
    """

    baseline: str = ""
    series: dict[str, Series] = {}


class Variant(TimingRecord):
    """The same trained network evaluated in another way; its series are compared with the eager one's."""


class NetworkTiming(TimingRecord):
    """The measurement of one trained network: that of the row's first successful seed.

    `sweep` holds the rates by batch size of `inference` and `train`, where they were asked for,
    `variants` what became of the same network evaluated by `compile` or `graphs`.
    """

    kind: Literal["network-timing"] = "network-timing"
    row: Row
    seed: Count
    sweep: dict[str, Sweep] = {}
    variants: dict[str, Variant] = {}

    @property
    def key(self) -> str:
        """The key of the trial that trained it."""
        return Trial(row=self.row, seed=self.seed).key


class LayerProof(Base):
    """Whether a framework's layer is `neuron`: `skipped` where it refuses, `invalid` where it is not."""

    kind: Literal["layer-proof"] = "layer-proof"
    row: Contender
    neuron: Neuron

    @property
    def key(self) -> str:
        """The framework's key, and the neuron's fields."""
        return f"{self.row.key} {sorted(vars(self.neuron).items())}"


class LayerTiming(TimingRecord):
    """The measurement of one framework's layer in one size; `equal` if it was proved to be the neuron."""

    kind: Literal["layer-timing"] = "layer-timing"
    row: LayerRow
    equal: bool = False

    @property
    def key(self) -> str:
        """The row's key."""
        return self.row.key


class PeaksRecord(Base):
    """What the device does at most: the fastest matrix products and copy.

    `facts` holds the precision flags in force, and for a GPU its state before and after the group.
    """

    kind: Literal["peaks"] = "peaks"
    device: str
    threads: Count

    @property
    def key(self) -> str:
        """Every measurement of the peaks counts: none replaces another."""
        return f"{self.device} {self.threads} {self.started}"


Record = TrialRecord | NetworkTiming | LayerProof | LayerTiming | PeaksRecord

_records: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="kind")])


def to_line(record: Record) -> str:
    """The record as one JSON line, without its newline."""
    data = {"schema": SCHEMA, **record.model_dump(mode="json")}
    return json.dumps(data, allow_nan=False, ensure_ascii=False)


def from_line(line: str | bytes) -> Record:
    """The record of one JSON line; ValueError that says in one line what is wrong with it."""
    data = parse(line)
    if not isinstance(data, dict):
        raise ValueError("no JSON object")
    if data.get("schema") != SCHEMA:
        raise ValueError(
            f"schema {plain(repr(data.get('schema')))[:40]}, this version reads {SCHEMA}"
        )
    del data["schema"]
    try:
        return _records.validate_python(data)
    except ValidationError as error:
        raise ValueError(first_error(error)) from None


def first_error(error: ValidationError) -> str:
    """The first of what is wrong, in one line: the field, and what it should be."""
    first = error.errors(include_url=False)[0]
    where = plain(".".join(str(part) for part in first["loc"]))
    text = ": ".join(filter(None, (where, plain(wrong_value(first)))))
    return text if len(text) < 300 else f"{text[:300]}..."


def finite(metrics: dict[str, Any]) -> dict[str, Any]:
    """`metrics` without the values that are no finite number: not measured, so absent."""
    return {
        name: value
        for name, value in metrics.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def latest(records: Iterable[Record]) -> list[Record]:
    """The last record of each trial and measurement: one that is repeated replaces its earlier self."""
    return list({(record.kind, record.key): record for record in records}.values())


def current(records: Iterable[Record]) -> list[Record]:
    """The last record of all that one run was asked for.

    Where a plugin has changed and its trials were run again, the new records replace the old ones,
    although they are of other code. Only for the records of one folder.
    """
    return list({(record.kind, *_asked(record)): record for record in records}.values())


def _asked(record: Record) -> tuple[str, ...]:
    match record:
        case TrialRecord():
            return record.row.asked, str(record.seed)
        case NetworkTiming() | LayerTiming():
            return (record.row.asked,)
        case LayerProof():
            return record.row.asked, repr(record.neuron)
        case PeaksRecord():
            return (record.key,)
