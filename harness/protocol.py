"""The messages between coordinator and worker: one JSON object a line.

The coordinator writes requests to the worker's standard input, the worker answers with events on
what was its standard output (its prints go to the log instead). A request is answered by any number
of `Progress` events and exactly one other event; `Failed` may take the place of any answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from harness.errors import plain
from harness.plugin.contract import Neuron, Task, Value
from harness.plugin.metrics import Unit
from harness.plugin.sources import Source
from harness.subjects import Data, LayerRow, PluginLocation, Status, TaskLocation, Trial

# --- requests -------------------------------------------------------------------------------------


class Describe(Data):
    """Answered by `Described`: the plugin's parameters and presets."""

    type: Literal["describe"] = "describe"
    plugin: PluginLocation


class Prepare(Data):
    """Answered by `Prepared`: the task's data, found or downloaded, verified, split and cached."""

    type: Literal["prepare"] = "prepare"
    task: TaskLocation
    data: list[str]
    cache: str


class DescribeTasks(Data):
    """Answered by `TasksDescribed`: the tasks of one module or file, and where their data lie.

    With `prepared`, also what is known of data that were prepared before: their digests are computed.
    """

    type: Literal["describe-tasks"] = "describe-tasks"
    task: TaskLocation
    data: list[str]
    cache: str
    prepared: bool = False


class DescribeMetrics(Data):
    """Answered by `MetricsDescribed`: the metrics of a module or a file."""

    type: Literal["describe-metrics"] = "describe-metrics"
    place: PluginLocation


class ComputeMetric(Data):
    """Answered by `Computed`: one metric of one trial, from what its worker left in `evidence`.

    `changes` are those that the evidence has, `metrics` and `layers` what the host measured of the trial.
    Asked of a process that holds no plugin: it is given the `labels`.
    """

    type: Literal["compute-metric"] = "compute-metric"
    place: PluginLocation
    name: str
    evidence: str
    labels: str
    classes: int
    metrics: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []


class MetricPlace(Data):
    """Where a metric is declared whose changes a trial is evaluated under."""

    place: PluginLocation
    name: str


class RunTrial(Data):
    """Answered by `Trained`: build, train, finish, evaluate; saves the state and the predictions.

    Where `evidence` names a file, it also leaves there what metrics by hook are computed from, with the
    predictions under the changes of those metrics that are listed in `changed`. Where `checkpoint` names
    a file, the training goes on from what it holds, and is kept there after an epoch, if that many
    `checkpoint_seconds` have passed since the last time.
    """

    type: Literal["trial"] = "trial"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str
    evidence: str = ""
    changed: tuple[MetricPlace, ...] = ()
    checkpoint: str = ""
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 0.0


class ReloadTrial(Data):
    """Answered by `Measured`: builds a trained network anew, loads its state, and compares.

    What it answers is held against `predictions` and the scores of the first samples (`beginning`), or,
    where its task has none, the steps at which each output neuron spiked when it was trained. The fact
    `reload` says "same"; where it is not, `Failed`.
    """

    type: Literal["reload"] = "reload"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str
    output: list[list[int]] = []
    beginning: list[list[float]] = []


class ExportNetwork(Data):
    """Answered by `Measured`: writes a trained network to `path` as a graph of NIR.

    `dt` is the time step in seconds, that of the task where it is None.
    """

    type: Literal["export-network"] = "export-network"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    path: str
    dt: float | None = None


class OpenNetwork(Data):
    """Answered by `Opened`: builds the model, loads the trained state, evaluates it once more.

    `predictions` are those of the trained model, "" where its task has none; the loaded one's must agree.
    `variant` is how it is evaluated (`VARIANTS`).
    """

    type: Literal["open-network"] = "open-network"
    plugin: PluginLocation
    trial: Trial
    data: str
    state: str
    predictions: str = ""
    variant: str = "eager"


class OpenLayer(Data):
    """Answered by `Opened`: builds the layer, calls it once and checks what it answers.

    Skipped where memory will not do: as many other workers as `to_follow` will then hold a layer of
    this size beside it.
    """

    type: Literal["open-layer"] = "open-layer"
    plugin: PluginLocation
    row: LayerRow
    to_follow: int = 0


class OpenProbe(Data):
    """Answered by `Opened`: a known piece of work, timed like a plugin, to judge the machine by."""

    type: Literal["open-probe"] = "open-probe"
    device: str
    threads: int = 1


class WarmUp(Data):
    """Answered by `Measured`: calls of each of `whats` until they take as long as the calls before.

    `batches` replaces those that the worker chose.
    """

    type: Literal["warm-up"] = "warm-up"
    whats: list[str]
    batches: dict[str, int] = {}


class TakeRound(Data):
    """Answered by `Samples`: calls `what` for about `seconds`, at least `calls` times, timing each.

    With `fresh`, the subject is built anew first. `batch` replaces the batch that the worker chose.
    """

    type: Literal["round"] = "round"
    what: str
    seconds: float
    calls: int
    fresh: bool = False
    batch: int | None = None


class TakeValidity(Data):
    """Answered by `Measured`, or by `Failed` where the timed calls cannot have done the work.

    `predictions_only` leaves out what is a property of the network, not of the process that timed it.
    """

    type: Literal["validity"] = "validity"
    predictions_only: bool = False


class TakeMemory(Data):
    """Answered by `Measured`: peak memory, in a pass of its own."""

    type: Literal["memory"] = "memory"


class TakeEnergy(Data):
    """Answered by `Measured`: joules a sample over about `seconds` of inference, idle subtracted."""

    type: Literal["energy"] = "energy"
    seconds: float


class TakeSweep(Data):
    """Answered by `Swept`: the rate by batch size, for about `seconds` of inference and of training."""

    type: Literal["sweep"] = "sweep"
    seconds: float


class MeasurePeaks(Data):
    """Answered by `Measured`: the operations and the bytes a second that the device can do."""

    type: Literal["peaks"] = "peaks"
    device: str
    threads: int


class ProveLayer(Data):
    """Answered by `Proved`: whether the plugin's layer is `neuron`."""

    type: Literal["prove"] = "prove"
    plugin: PluginLocation
    neuron: Neuron
    device: str
    threads: int


class CheckPlugin(Data):
    """Answered by `Checked`: one check of the conformance suite, by its name.

    A worker keeps what it has trained for the checks after it; `folder` is where it leaves the trained
    state for a second process. `quick` trains on fewer samples and takes fewer steps.
    """

    type: Literal["check"] = "check"
    plugin: PluginLocation
    check: str
    folder: str
    device: str = "cpu"
    quick: bool = False


Request = Annotated[
    Describe
    | DescribeMetrics
    | ComputeMetric
    | Prepare
    | DescribeTasks
    | RunTrial
    | ReloadTrial
    | ExportNetwork
    | OpenNetwork
    | OpenLayer
    | OpenProbe
    | WarmUp
    | TakeRound
    | TakeValidity
    | TakeMemory
    | TakeEnergy
    | TakeSweep
    | MeasurePeaks
    | ProveLayer
    | CheckPlugin,
    Field(discriminator="type"),
]

# --- events ---------------------------------------------------------------------------------------


class Answer(Data):
    """An event. Its texts may be a plugin's: they come printable, whatever control characters and lone
    surrogates they had.
    """

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, fields: Any) -> Any:
        return printable(fields)


def printable(value: Any) -> Any:
    """`value`, a tree of JSON, with every text in it on one line and printable."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {printable(name): printable(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (int, float)):
        return [printable(part) for part in value]
    return value


class Progress(Answer):
    """Where a trial stands. `done` and `total` count batches of this stage.

    `node` is the machine of a cluster that it runs on, "" for the coordinator's own. `spent` is how many
    seconds a trial that goes on from a checkpoint was trained before, `note` a line for the user.
    """

    type: Literal["progress"] = "progress"
    stage: str
    done: int = 0
    total: int = 0
    epoch: int | None = None
    epochs: int | None = None
    scalars: dict[str, float] = {}
    node: str = ""
    spent: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    note: str = ""


class Described(Answer):
    """The fields of `Presets`, its parameters as {name: {default, help, low, high, ...}}."""

    type: Literal["described"] = "described"
    parameters: dict[str, dict[str, Any]]
    values: Mapping[str, Mapping[str, Mapping[str, Value]]]
    sources: Mapping[str, Source] = {}
    family: str = ""


class DeclaredMetric(Data):
    """A metric by hook as data: the fields of `harness.plugin.MetricSpec` that need no code.

    `source` is the entry point or file that declares it, `digest` that of its code ("" of the host's own),
    `changes` the titles of its changes by their names.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,47}$")]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    unit: Unit
    better: Literal["more", "less"]
    meaning: str
    combine: Literal["seeds", "accuracy", "mean", "named"] = "seeds"
    place: Literal["brief", "table", "record"] = "table"
    signed: bool = False
    source: str
    digest: str = ""
    changes: dict[str, str] = {}


class MetricsDescribed(Answer):
    """The metrics of a module; `problems` says in a line each what is wrong with others."""

    type: Literal["metrics-described"] = "metrics-described"
    metrics: list[DeclaredMetric]
    problems: list[str] = []


class Computed(Answer):
    """A metric's value, or why there is none: `failed` where its code is to blame, not the network.

    `curves` are the accuracies at each strength of each of its changes, that without one at "0".
    """

    type: Literal["computed"] = "computed"
    value: float | dict[str, float] | None = None
    curves: dict[str, dict[str, float]] = Field(default_factory=dict)
    absent: str = ""
    failed: bool = False


class Prepared(Answer):
    """`path` of the cached arrays; `facts` (sizes, digests, source) go into the run's description.

    `labels` is the file with the classes of the test samples, for the coordinator alone; "" where the
    task has none. `task` is what plugins are told of it.
    """

    type: Literal["prepared"] = "prepared"
    path: str
    labels: str = ""
    facts: dict[str, Any]
    task: Task | None = None


class TasksDescribed(Answer):
    """What `harness.tasks.describe` tells of each task."""

    type: Literal["tasks-described"] = "tasks-described"
    tasks: list[dict[str, Any]]


class Trained(Answer):
    """What a finished trial yields; `absent` tells why a metric could not be computed.

    `metrics` are the host's, `scalars` what the plugin itself returned when it finished training,
    `facts` what else is known of the network, `unchanged` the changes under which it could not be
    evaluated, and why. `beginning` are its scores of the first test samples, for the reload.
    """

    type: Literal["trained"] = "trained"
    versions: dict[str, str]
    metrics: dict[str, Any]
    scalars: dict[str, float] = {}
    absent: dict[str, str] = {}
    unchanged: dict[str, str] = {}
    layers: list[dict[str, Any]]
    history: list[dict[str, float]]
    raster: dict[str, list[list[int]]] = {}
    beginning: list[list[float]] = []
    facts: dict[str, Any] = {}


class Opened(Answer):
    """The subject stands. `first_call_ms` is the time to its first output, `first_build_ms` the part
    of it before the call.

    `batches` is the number of samples in a call of each kind of round, `facts` what is known of the
    subject from now on.
    """

    type: Literal["opened"] = "opened"
    first_call_ms: float
    first_build_ms: float = 0.0
    batches: dict[str, int]
    facts: dict[str, Any] = {}


#: The stages between which the timed calls of a round lie.
TIMING, TIMED = "timing", "timed"
#: What a call can take: no clock gives anything else.
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Samples(Answer):
    """Seconds of each call, in the order taken, and the number of samples in one call.

    A call may have parts that are timed by themselves: each is one series. `aside` is what the host
    took between the calls to fetch inputs and to check answers; `cores` is the time of all threads of the
    process over that of the clock, while it made the calls. The calls lie between the stages
    `TIMING` and `TIMED` of `Progress`, by which the coordinator holds them against its own clock.
    """

    type: Literal["samples"] = "samples"
    batch: Annotated[int, Field(ge=1)]
    series: dict[str, Annotated[list[Seconds], Field(min_length=1)]]
    aside: float = 0.0
    cores: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Measured(Answer):
    """Metrics by their names, why others could not be measured, and what they were computed from."""

    type: Literal["measured"] = "measured"
    metrics: dict[str, float]
    absent: dict[str, str] = {}
    facts: dict[str, float | str] = {}


class SweepPoint(Data):
    """One batch size of a sweep: the median call's milliseconds, and its samples a second."""

    batch: int
    ms: float
    rate: float


class Sweep(Data):
    """Rates by batch size, and what ended it: `flat`, `data`, `memory` or `time`."""

    points: tuple[SweepPoint, ...]
    ended: str


class Swept(Answer):
    """The sweeps of inference and training, metrics beside them, and why one of them is missing."""

    type: Literal["swept"] = "swept"
    sweeps: dict[str, Sweep]
    metrics: dict[str, float] = {}
    absent: dict[str, str] = {}
    facts: dict[str, float | str] = {}


class Proved(Answer):
    """How a layer's spikes and gradients compare with the equations', as metrics of the registry.

    `reason` says what is unequal; it is empty where nothing is.
    """

    type: Literal["proved"] = "proved"
    reason: str
    metrics: dict[str, Any]


class Checked(Answer):
    """What a check found; `mend` says what to change where it failed."""

    type: Literal["checked"] = "checked"
    status: Literal["ok", "failed", "skipped"]
    detail: str
    mend: str = ""


class Failed(Answer):
    """The request came to nothing; `where` is the stage or hook, the traceback is in the log."""

    type: Literal["failed"] = "failed"
    status: Status
    reason: str
    where: str = ""


Event = Annotated[
    Progress
    | Described
    | MetricsDescribed
    | Computed
    | Prepared
    | TasksDescribed
    | Trained
    | Opened
    | Samples
    | Measured
    | Swept
    | Proved
    | Checked
    | Failed,
    Field(discriminator="type"),
]

requests: TypeAdapter[Request] = TypeAdapter(Request)
events: TypeAdapter[Event] = TypeAdapter(Event)
